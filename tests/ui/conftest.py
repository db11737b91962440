"""The page on the real tiny models, without Ray, and a browser."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, sync_playwright

from deployments.audio.decoder import Decoder
from deployments.jobs.jobs import Jobs
from deployments.llasa.checkpoint import load_checkpoint
from deployments.llasa.engine import Engine
from deployments.nano.weights import FOLDER, verified
from deployments.profiles import PROFILES
from deployments.service.service import SpeechService
from deployments.whisper.transcriber import WhisperTranscriber
from deployments.xcodec2.batcher import CodecBatcher
from deployments.xcodec2.codec import Xcodec2Codec
from scripts.chromium import find_chromium, launch
from tests.conftest import Models
from tests.ingress.conftest import maker, service
from tests.support.clips import voice, wav_file
from tests.support.served import served
from tests.support.serving import running_jobs
from ui.application import build_application
from ui.backend import Backend


async def built(service: SpeechService, folder: Path) -> FastAPI:
    jobs = Jobs(folder / "jobs", service, delay=lambda attempt: 0)
    backend = cast("Backend", replace(service, jobs=jobs))
    return running_jobs(build_application(backend, service.settings, service.profile, folder), jobs)


@contextmanager
def page_of(service: SpeechService, folder: Path) -> Iterator[str]:
    with ThreadPoolExecutor(1) as thread:  # Gradio wants a loop, and this thread's may be the browser's
        application = thread.submit(lambda: asyncio.run(built(service, folder))).result()
    with served(application) as url:
        yield url


__all__ = ["service"]


@pytest.fixture(scope="session")
def page_service(models: Models, decoder: Decoder, tmp_path_factory: pytest.TempPathFactory) -> SpeechService:
    make: Callable[..., SpeechService] = maker(models, decoder, tmp_path_factory.mktemp("page") / "voices")
    return make()


@pytest.fixture(scope="session", autouse=True)
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Gradio's own folder, one for the process."""
    folder = tmp_path_factory.mktemp("gradio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        yield folder


@pytest.fixture(scope="session")
def page(page_service: SpeechService, uploads: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the page."""
    with page_of(page_service, tmp_path_factory.mktemp("takes")) as url:
        yield url


@pytest.fixture(scope="session")
def nano() -> Iterator[Models]:
    """The models that ship, which understand speech."""
    lm = Engine(load_checkpoint(str(FOLDER / "llasa")))
    codec = CodecBatcher(Xcodec2Codec.load(str(FOLDER / "xcodec2")), max_batch=1)
    ear = WhisperTranscriber.load(str(verified("whisper")))
    try:
        yield Models(lm, codec, ear)
    finally:
        ear.close()
        codec.close()
        lm.close()


@pytest.fixture(scope="session")
def nano_page(nano: Models, decoder: Decoder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the page on these models."""
    make = maker(nano, decoder, tmp_path_factory.mktemp("voices"), PROFILES["nano"])
    with page_of(make(), tmp_path_factory.mktemp("takes")) as url:
        yield url


@pytest.fixture(scope="session")
def clip_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "reference.wav"
    path.write_bytes(wav_file(voice(1.5)))
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module: it occupies this thread's event loop."""
    if not find_chromium():
        pytest.skip("There is no Chromium: scripts/test.sh installs it where apt-get may.")
    with sync_playwright() as playwright, launch(playwright) as browser:
        yield browser
