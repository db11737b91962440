"""An ear that always hears the same."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any, TypeVar

from deployments.service.listener import Listener
from deployments.service.service import SpeechService
from deployments.whisper.protocol import IgnoredOption, Segment, Transcript, Waveform, Word

Service = TypeVar("Service", bound=SpeechService)
WORDS = (
    Word("Good", 0, 0.4, 1.0),
    Word("morning.", 0.4, 1, 1.0),
    Word("The", 4, 4.2, 1.0),
    Word("train.", 4.2, 5, 1.0),
)


class Ear:
    """In place of Whisper: always hears the same, and honours no option."""

    def __init__(self, *ignored: IgnoredOption, segments: tuple[Segment, ...] | None = None) -> None:
        said = Segment("Good morning. The train.", 0, 5, WORDS)
        self.asked: list[dict[str, Any]] = []
        """The options of each recording."""
        self.heard = Transcript(said.text, "en", 1.0, 5.4, (said,) if segments is None else segments, ignored)

    async def transcribe(self, wav: Waveform, **listening: Any) -> Transcript:
        self.asked.append(listening)
        return self.heard

    async def stream(self, wav: Waveform, **listening: Any) -> AsyncGenerator[Segment | Transcript, None]:
        self.asked.append(listening)
        for segment in self.heard.segments:
            yield segment
        yield self.heard


def hearing(service: Service, ear: Ear) -> Service:
    """The service with this ear."""
    return replace(service, listener=Listener(service.audio, ear, service.residency))
