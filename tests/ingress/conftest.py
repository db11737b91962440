"""The HTTP application on the real tiny models, without Ray."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from deployments.audio.clip import AudioReader
from deployments.audio.decoder import Decoder
from deployments.ingress.application import build_application
from deployments.profiles import Profile
from deployments.residency.protocol import MODELS, GpuStatus, ModelStatus
from deployments.service.listener import Listener
from deployments.service.pronunciations import PronunciationStore
from deployments.service.service import SpeechService
from deployments.service.turns import Admission
from deployments.service.voices import Voices
from deployments.settings import Settings
from deployments.synthesis.policy import Policy
from deployments.synthesis.synthesizer import Synthesizer
from deployments.voices.store import VoiceStore
from tests.conftest import TINY, Models
from tests.support.clips import voice, wav_file
from tests.support.recorder import Recorder


async def all_healthy() -> dict[str, str]:
    return {"Llasa": "healthy", "XCodec2": "healthy", "Whisper": "healthy", "Ingress": "healthy"}


UNLOADED = ModelStatus("unloaded", (), None, 600, False, 0, 0, None, None, None)


class Still:
    """A residency in which nothing moves, and that remembers its orders."""

    def __init__(self, **models: ModelStatus) -> None:
        self.models = dict.fromkeys(MODELS, UNLOADED) | models
        self.orders: list[tuple[object, ...]] = []

    @asynccontextmanager
    async def held(self, models: Sequence[str]) -> AsyncIterator[None]:
        self.orders.append(("held", *models))
        yield

    async def status(self) -> dict[str, ModelStatus]:
        return self.models

    async def gpus(self) -> list[GpuStatus]:
        return [GpuStatus("node", 0, "GPU-1", "Fake", 24, 10, 14, 0.5, ("Llasa",))]

    async def offload(self, models: Sequence[str]) -> None:
        self.orders.append(("offload", *models))

    async def release(self, models: Sequence[str]) -> None:
        self.orders.append(("release", *models))

    async def warm(self, models: Sequence[str], *, pin: bool = False) -> None:
        self.orders.append(("warm", *models, pin))

    async def set_timeout(self, models: Sequence[str], seconds: float) -> None:
        self.orders.append(("timeout", *models, seconds))


def maker(models: Models, decoder: Decoder, voices_dir: Path, profile: Profile = TINY) -> Callable[..., SpeechService]:
    """Makes a service with some settings changed."""

    def make(residency: Still | None = None, **changed: object) -> SpeechService:
        residency = residency or Still()
        # The tiny Whisper writes the same words of every clip.
        defaults = {
            "voices_dir": voices_dir,
            "take_retries": 0,
            "reference_check": "off",
        }
        settings = Settings(_env_file=None, **defaults | changed)  # type: ignore[arg-type, call-arg]
        synthesizer = Synthesizer(models.lm, models.codec, models.transcriber, residency, Policy.of(settings))
        metrics = Recorder()
        audio = AudioReader(decoder, settings)
        return SpeechService(
            admission=Admission.of(settings, profile, metrics),
            synthesizer=synthesizer,
            audio=audio,
            listener=Listener(audio, models.transcriber, residency),
            voices=Voices(VoiceStore.of(settings), synthesizer, models.lm, residency, profile),
            pronunciations=PronunciationStore.of(settings),
            health=all_healthy,
            residency=residency,
            metrics=metrics,
            profile=profile,
            settings=settings,
        )

    return make


@pytest.fixture
def service(models: Models, decoder: Decoder, tmp_path: Path) -> Callable[..., SpeechService]:
    return maker(models, decoder, tmp_path / "voices")


@pytest.fixture(scope="module")
def module_service(
    models: Models, decoder: Decoder, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., SpeechService]:
    """Likewise; all of a module share their voices."""
    return maker(models, decoder, tmp_path_factory.mktemp("voices"))


def client_of(service: SpeechService) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(build_application(service), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test", timeout=60)


@pytest.fixture
async def client(service: Callable[..., SpeechService]) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service()) as client:
        yield client


@pytest.fixture(scope="session")
def clip() -> bytes:
    return wav_file(voice(1.5))
