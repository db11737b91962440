"""Whisper as a Serve deployment."""

from deployments.checkpoints import fetch_checkpoint
from deployments.profiles import Profile
from deployments.settings import Settings
from deployments.whisper.protocol import Transcript, Waveform


class WhisperDeployment:
    """One transcriber a replica, on the CPU."""

    def __init__(self, profile: Profile, settings: Settings) -> None:
        from deployments.whisper.transcriber import WhisperTranscriber

        folder = fetch_checkpoint(profile.whisper, settings)
        self._transcriber = WhisperTranscriber.load(str(folder), cpu_threads=max(1, int(profile.whisper_cpus)))

    async def transcribe(
        self,
        wav: Waveform,
        *,
        language: str | None = None,
        prompt: str | None = None,
        word_timestamps: bool = False,
    ) -> Transcript:
        return await self._transcriber.transcribe(
            wav, language=language, prompt=prompt, word_timestamps=word_timestamps
        )
