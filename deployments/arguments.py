"""Arguments that serve_config.yaml may pass to the service."""

from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from deployments.profiles import Profile, choose_profile
from deployments.settings import ProfileName, Settings


class Arguments(BaseModel):
    """Its `args`."""

    model_config = ConfigDict(extra="forbid")

    profile: ProfileName | None = None
    """Overrides the setting, for a cluster whose GPU nodes come later."""
    node_gpus: NonNegativeInt | None = None
    """GPUs of a GPU node, instead of counting those that are up now."""
    replicas: dict[Literal["Llasa", "XCodec2", "Whisper"], PositiveInt] = {}
    """Maximum replicas of each model; 1 by default."""

    def profile_for(self, settings: Settings, count: Callable[[], float]) -> Profile:
        """Returns the profile to deploy; `count` returns the number of GPUs, unless that is configured."""
        gpus = count() if self.node_gpus is None else self.node_gpus
        return choose_profile(self.profile or settings.profile, gpus, settings)
