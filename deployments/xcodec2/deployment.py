"""XCodec2 as a Serve deployment."""

from pathlib import Path
from typing import TYPE_CHECKING

from deployments.checkpoints import fetch_checkpoint
from deployments.log import log_beside_serve
from deployments.placement.devices import NvmlReader
from deployments.placement.gpu_loader import load_onto_gpu
from deployments.placement.memory import XCODEC2_BYTES
from deployments.placement.model_loader import ModelLoader
from deployments.placement.placement import Placement
from deployments.profiles import Profile
from deployments.residency.policy import assigned_gpus, record_load
from deployments.settings import Settings
from deployments.xcodec2.protocol import Codes, Waveform

if TYPE_CHECKING:
    from deployments.xcodec2.batcher import CodecBatcher


class Xcodec2Deployment:
    """One codec per replica."""

    def __init__(self, profile: Profile, settings: Settings) -> None:
        log_beside_serve()
        self._profile = profile
        self._settings = settings
        self._placement: Placement | None = None
        self._folder: Path | None = None
        self._codec = ModelLoader(self._load, self._record)

    async def ready(self) -> None:
        await self._codec.ready()

    async def encode(self, wav: Waveform) -> Codes:
        return await (await self._codec.ready()).encode(wav)

    async def decode(self, codes: Codes, start: int = 0) -> Waveform:
        return await (await self._codec.ready()).decode(codes, start)

    def __del__(self) -> None:
        if codec := self._codec.peek():
            codec.close()

    def check_health(self) -> None:
        self._codec.check_health()

    def _load(self) -> "CodecBatcher":
        self._folder = folder = fetch_checkpoint(self._profile.xcodec2, self._settings)
        if self._profile.device == "cpu":
            return _start_codec(folder, self._profile)
        codec, self._placement = load_onto_gpu(
            "XCodec2",
            self._profile.xcodec2_gpus,
            XCODEC2_BYTES,
            lambda gpu: _start_codec(folder, self._profile),
            NvmlReader(),
            assigned=assigned_gpus(),
        )
        return codec

    def _record(self, seconds: float, failure: str | None) -> None:
        record_load("XCodec2", seconds, failure, self._folder, self._placement.uuid if self._placement else None)


def _start_codec(folder: Path, profile: Profile) -> "CodecBatcher":
    from deployments.xcodec2.batcher import CodecBatcher
    from deployments.xcodec2.codec import Xcodec2Codec

    return CodecBatcher(Xcodec2Codec.load(str(folder), profile.device), profile.decodes)
