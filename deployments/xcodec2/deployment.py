"""XCodec2 as a Serve deployment."""

from pathlib import Path
from typing import TYPE_CHECKING

from deployments.checkpoints import fetch_checkpoint
from deployments.log import log_beside_serve
from deployments.placement.devices import Gpu, NvmlReader
from deployments.placement.gpu_loader import load_onto_gpu, sleep_on_gpu, wake_on_gpu
from deployments.placement.memory import XCODEC2_BYTES
from deployments.placement.model_loader import LoadEvent, ModelLoader
from deployments.placement.placement import Placement
from deployments.profiles import Profile
from deployments.residency.replica import assigned_gpus, follow_policy, record_event
from deployments.settings import Settings
from deployments.xcodec2.protocol import Codes, Waveform

if TYPE_CHECKING:
    from deployments.xcodec2.sleeper import SleepingCodec


class Xcodec2Deployment:
    """One codec per replica."""

    def __init__(self, profile: Profile, settings: Settings) -> None:
        log_beside_serve()
        self._profile = profile
        self._settings = settings
        self._placement: Placement | None = None
        self._folder: Path | None = None
        self._codec = ModelLoader(
            self._load,
            self._record,
            prepare=lambda codec: codec.prepare(),
            sleep=self._sleep,
            wake=lambda codec: wake_on_gpu(self._placement, lambda gpu: codec.wake(), NvmlReader()),
        )
        self._follower = follow_policy("XCodec2", self._codec)

    async def ready(self) -> None:
        async with self._codec.use():
            pass

    async def encode(self, wav: Waveform) -> Codes:
        async with self._codec.use() as codec:
            return await codec.batcher.encode(wav)

    async def decode(self, codes: Codes, start: int = 0) -> Waveform:
        async with self._codec.use() as codec:
            return await codec.batcher.decode(codes, start)

    def check_health(self) -> None:
        self._codec.check_health()

    def __del__(self) -> None:
        self._follower.close()
        if codec := self._codec.peek():
            codec.batcher.close()

    def _load(self) -> "SleepingCodec":
        from deployments.xcodec2.sleeper import SleepingCodec

        profile = self._profile
        self._folder = folder = fetch_checkpoint(profile.xcodec2, self._settings)

        def load(gpu: Gpu | None) -> SleepingCodec:
            return SleepingCodec(folder, profile.device, profile.decodes)

        if profile.device == "cpu":
            return load(None)
        codec, self._placement = load_onto_gpu(
            "XCodec2", profile.xcodec2_gpus, XCODEC2_BYTES, load, NvmlReader(), assigned=assigned_gpus()
        )
        return codec

    def _sleep(self, codec: "SleepingCodec") -> None:
        codec.sleep()
        sleep_on_gpu(self._placement)

    def _record(self, event: LoadEvent) -> None:
        record_event("XCodec2", event, self._folder, self._placement.uuid if self._placement else None)
