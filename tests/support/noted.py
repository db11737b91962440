"""A service on scripted models that remembers the parameters it was asked with."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from deployments.audio.clip import AudioReader
from deployments.audio.decoder import Decoder
from deployments.service.listener import Listener
from deployments.service.parameters import SpeechParams
from deployments.service.pronunciations import PronunciationStore
from deployments.service.service import SpeechService
from deployments.service.turns import Admission
from deployments.service.voices import Voices
from deployments.settings import Settings
from deployments.synthesis.events import SpeechEvent
from deployments.synthesis.policy import Policy
from deployments.synthesis.synthesizer import SpeechRequest, Synthesizer
from deployments.synthesis.usage import Usage
from deployments.voices.store import VoiceStore
from tests.conftest import TINY
from tests.ingress.conftest import Still, all_healthy
from tests.support.recorder import Recorder
from tests.support.scripted import Deaf, ScriptedLM, ToneCodec

VALUES: Final[Mapping[str, Any]] = {
    "voice": "nova",
    "ref_text": "A reference.",
    "ref_check": "repair",
    "system_prompt": "Speak",
    "instructions": "emotion: sad",
    "language": "de",
    "input_format": "markdown",
    "code_blocks": "say",
    "normalise": False,
    "normalization_options": {"url_normalization": False},
    "pronunciations": [{"term": "there", "replacement": "their"}],
    "response_format": "flac",
    "sample_rate": 32_000,
    "speed": 2.0,
    "temperature": 0.5,
    "top_k": 7,
    "top_p": 0.5,
    "repetition_penalty": 1.5,
    "seed": 5,
    "verify": True,
    "best_of": 2,
    "strict": True,
    "max_new_tokens": 30,
    "details": True,
    "keep": True,
}
"""A value of each parameter that is not its default, as JSON has it."""


class Careless(Synthesizer):
    """Does not listen to what it speaks: there is no ear."""

    def stream(self, request: SpeechRequest, usage: Usage | None = None) -> AsyncGenerator[SpeechEvent, None]:
        policy = Policy(retries=0, strict=bool(request.policy and request.policy.strict))
        return super().stream(replace(request, policy=policy), usage)


@dataclass(frozen=True)
class NotedService(SpeechService):
    """Remembers the parameters of each speech."""

    seen: list[SpeechParams] = field(default_factory=list)

    def speak(self, params: SpeechParams, *args: Any, **options: Any) -> AsyncGenerator[Any, None]:
        self.seen.append(params)
        return super().speak(params, *args, **options)

    def narrate(self, params: SpeechParams, *args: Any, **options: Any) -> AsyncGenerator[SpeechEvent, None]:
        self.seen.append(params)
        return super().narrate(params, *args, **options)


def noted_service(decoder: Decoder, folder: Path, **changed: Any) -> NotedService:
    """Returns a service that keeps its files in a folder; its model may be given as `lm`."""
    lm: ScriptedLM = changed.pop("lm", None) or ScriptedLM()
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        voices_dir=folder / "voices",
        outputs_dir=folder / "outputs",
        **changed,
    )
    residency, metrics = Still(), Recorder()
    synthesizer = Careless(lm, ToneCodec(), Deaf(), residency, Policy.of(settings))
    audio = AudioReader(decoder, settings)
    return NotedService(
        admission=Admission.of(settings, TINY, metrics),
        synthesizer=synthesizer,
        audio=audio,
        listener=Listener(audio, Deaf(), residency),
        voices=Voices(VoiceStore.of(settings), synthesizer, lm, residency, TINY),
        pronunciations=PronunciationStore.of(settings),
        health=all_healthy,
        residency=residency,
        metrics=metrics,
        profile=TINY,
        settings=settings,
    )
