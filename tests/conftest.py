"""Fixtures that every room's tests share."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from deployments.profiles import PROFILES

if TYPE_CHECKING:
    from deployments.audio.decoder import Decoder
    from deployments.llasa.engine import Engine
    from deployments.whisper.transcriber import WhisperTranscriber
    from deployments.xcodec2.batcher import CodecBatcher
    from tests.service import Running

# Before anything imports Ray or transformers: no tokens for a local Ray, no calls to hubs.
os.environ.update(RAY_AUTH_MODE="disabled", RAY_USAGE_STATS_ENABLED="0", HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1")


hypothesis.settings.register_profile("patient", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def one_torch_thread() -> None:
    """As in a replica with one CPU; threads of several tests on two cores only get in each other's way."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checkpoints")


@pytest.fixture(scope="session")
def tiny_llasa(checkpoints: Path) -> Path:
    from deployments.nano.llasa_init import write_llasa

    write_llasa(checkpoints / "llasa")
    return checkpoints / "llasa"


@pytest.fixture(scope="session")
def tiny_xcodec2(checkpoints: Path) -> Path:
    from deployments.nano.xcodec2_init import write_xcodec2

    write_xcodec2(checkpoints / "xcodec2")
    return checkpoints / "xcodec2"


@pytest.fixture(scope="session")
def tiny_whisper(checkpoints: Path) -> Path:
    from deployments.nano.whisper_init import write_whisper

    write_whisper(checkpoints / "whisper")
    return checkpoints / "whisper"


TINY = replace(PROFILES["nano"], llasa="tiny", xcodec2="tiny", whisper="tiny")
"""The profile of the models below: nano's, with random weights."""


@dataclass(frozen=True)
class Models:
    """The three models as they run in their replicas, in this process."""

    lm: "Engine"
    codec: "CodecBatcher"
    transcriber: "WhisperTranscriber"


@pytest.fixture(scope="session")
def models(tiny_llasa: Path, tiny_xcodec2: Path, tiny_whisper: Path) -> Iterator[Models]:
    from deployments.llasa.checkpoint import load_checkpoint
    from deployments.llasa.engine import Engine
    from deployments.whisper.transcriber import WhisperTranscriber
    from deployments.xcodec2.batcher import CodecBatcher
    from deployments.xcodec2.codec import Xcodec2Codec

    lm = Engine(load_checkpoint(str(tiny_llasa)))
    codec = CodecBatcher(Xcodec2Codec.load(str(tiny_xcodec2)))
    yield Models(lm, codec, WhisperTranscriber.load(str(tiny_whisper), cpu_threads=1))
    codec.close()
    lm.close()


@pytest.fixture(scope="session")
def decoder() -> "Iterator[Decoder]":
    from deployments.audio.decoder import Decoder

    decoder = Decoder()
    yield decoder
    decoder.close()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Running]":
    """One service for all tests of the session that need a real one."""
    from tests.service import service

    with service(tmp_path_factory.mktemp("service")) as running:
        yield running
