"""XCodec2 as a Serve deployment."""

from functools import partial
from typing import TYPE_CHECKING

from deployments.checkpoints import fetch_checkpoint
from deployments.gpu.loading import Loaded
from deployments.gpu.residency import record_load
from deployments.profiles import Profile
from deployments.settings import Settings
from deployments.xcodec2.protocol import Codes, Waveform

if TYPE_CHECKING:
    from deployments.xcodec2.batcher import CodecBatcher


class Xcodec2Deployment:
    """One codec a replica."""

    def __init__(self, profile: Profile, settings: Settings) -> None:
        self._codec = Loaded(partial(_load, profile, settings), partial(record_load, "XCodec2"))

    async def ready(self) -> None:
        await self._codec.ready()

    async def encode(self, wav: Waveform) -> Codes:
        return await (await self._codec.ready()).encode(wav)

    async def decode(self, codes: Codes, start: int = 0) -> Waveform:
        return await (await self._codec.ready()).decode(codes, start)

    def __del__(self) -> None:
        if codec := self._codec.peek():
            codec.close()


def _load(profile: Profile, settings: Settings) -> "CodecBatcher":
    from deployments.xcodec2.batcher import CodecBatcher
    from deployments.xcodec2.codec import Xcodec2Codec

    codec = Xcodec2Codec.load(str(fetch_checkpoint(profile.xcodec2, settings)), profile.device)
    return CodecBatcher(codec, profile.decodes)
