"""Arguments that serve_config.yaml may pass to the service."""

from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt, ValidationInfo, field_validator

from deployments.placement.profile_choice import choose_profile
from deployments.profiles import AUTO, Profile, check_profile_name, read_profiles
from deployments.settings import Settings


class Arguments(BaseModel):
    """Its `args`."""

    model_config = ConfigDict(extra="forbid")

    profiles: dict[str, dict[str, Any]] = {}
    """Further profiles by name, as in `profiles.toml`."""
    profile: str | None = None
    """Overrides the setting, for a cluster whose GPU nodes come later."""
    node_gpus: NonNegativeInt | None = None
    """GPUs of a GPU node, instead of counting those that are up now."""
    replicas: dict[Literal["Llasa", "XCodec2", "Whisper"], PositiveInt] = {}
    """Maximum replicas of each model; 1 by default."""

    @field_validator("profiles")
    @classmethod
    def _valid(cls, tables: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        _all_profiles(tables)
        return tables

    @field_validator("profile")
    @classmethod
    def _known(cls, name: str | None, info: ValidationInfo) -> str | None:
        if name is not None and "profiles" in info.data:  # else those are invalid
            check_profile_name(name, _all_profiles(info.data["profiles"]))
        return name

    def profile_for(self, settings: Settings, count: Callable[[], float]) -> Profile:
        """Returns the profile to deploy; `count` returns the number of GPUs, unless that is configured.

        Raises:
            InvalidProfiles: a checkpoint of the profile is known not to run here.
        """
        gpus = count() if self.node_gpus is None else self.node_gpus
        profiles = read_profiles(settings.profiles_file, self.profiles)
        return choose_profile(self.profile or settings.profile, gpus, settings, profiles)


def _all_profiles(tables: dict[str, dict[str, Any]]) -> dict[str, Profile]:
    return read_profiles(Settings(profile=AUTO).profiles_file, tables)
