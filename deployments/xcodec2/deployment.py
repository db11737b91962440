"""XCodec2 as a Serve deployment."""

from deployments.checkpoints import fetch_checkpoint
from deployments.profiles import Profile
from deployments.settings import Settings
from deployments.xcodec2.protocol import Codes, Waveform


class Xcodec2Deployment:
    """One codec a replica."""

    def __init__(self, profile: Profile, settings: Settings) -> None:
        from deployments.xcodec2.batcher import CodecBatcher
        from deployments.xcodec2.codec import Xcodec2Codec

        codec = Xcodec2Codec.load(str(fetch_checkpoint(profile.xcodec2, settings)), profile.device)
        self._codec = CodecBatcher(codec, profile.decodes)

    async def encode(self, wav: Waveform) -> Codes:
        return await self._codec.encode(wav)

    async def decode(self, codes: Codes, start: int = 0) -> Waveform:
        return await self._codec.decode(codes, start)

    def __del__(self) -> None:
        if codec := getattr(self, "_codec", None):
            codec.close()
