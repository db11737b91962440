"""What serve_config.yaml may give to the service."""

from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from deployments.profiles import Profile, choose_profile
from deployments.settings import ProfileName, Settings


class Arguments(BaseModel):
    """Its `args`."""

    model_config = ConfigDict(extra="forbid")

    profile: ProfileName | None = None
    """In place of the setting: a cluster whose GPU nodes come later cannot find its profile by looking."""
    node_gpus: NonNegativeInt | None = None
    """GPUs of a node that has some, in place of counting those that are up now: likewise."""
    replicas: dict[Literal["Llasa", "XCodec2", "Whisper"], PositiveInt] = {}
    """How many replicas of a model there may be at most; 1 where nothing is said."""

    def profile_for(self, settings: Settings, count: Callable[[], float]) -> Profile:
        """The profile that is deployed; `count` tells how many GPUs there are now, where that is not given."""
        gpus = count() if self.node_gpus is None else self.node_gpus
        return choose_profile(self.profile or settings.profile, gpus, settings)
