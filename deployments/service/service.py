"""What the routes need of the service."""

from dataclasses import dataclass
from typing import Protocol

from deployments.audio.clip import AudioReader
from deployments.profiles import Profile
from deployments.residency.protocol import Residency
from deployments.service.listener import Listener
from deployments.service.metrics import Metrics
from deployments.service.turns import Admission
from deployments.service.voices import Voices
from deployments.settings import Settings
from deployments.synthesis.synthesizer import Synthesizer


class HealthProbe(Protocol):
    """Reports the state of the deployments."""

    async def __call__(self) -> dict[str, str]:
        """Returns Serve's status of each deployment, in lower case, by its name."""
        ...


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that a route may use."""

    synthesizer: Synthesizer
    audio: AudioReader
    listener: Listener
    voices: Voices
    health: HealthProbe
    residency: Residency
    admission: Admission
    metrics: Metrics
    profile: Profile
    settings: Settings
