"""Arguments that serve_config.yaml may pass to the service."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from deployments.placement.profile_choice import choose_profile
from deployments.profiles import Profile, WeightType, read_profiles
from deployments.residency.protocol import Model
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
    replicas: dict[Model, PositiveInt] = {}
    """Maximum replicas of each model; 1 by default."""

    weights: WeightType | None = None
    """Overrides the setting, as `profile` does."""
    reason: str | None = None
    """Why these two were chosen, by whoever has resolved `auto`."""

    def profile_for(self, settings: Settings, count: Callable[[], float]) -> Profile:
        """Returns the profile to deploy; `count` returns the number of GPUs, unless that is configured.

        Raises:
            InvalidProfiles: there is no such profile, one has a wrong value, or a checkpoint is known not to run here.
        """
        gpus = count() if self.node_gpus is None else self.node_gpus
        profiles = read_profiles(settings.profiles_file, self.profiles)
        if self.weights:
            settings = settings.model_copy(update={"llasa_weights": self.weights})
        chosen = choose_profile(self.profile or settings.profile, gpus, settings, profiles)
        return replace(chosen, reason=self.reason or chosen.reason)
