"""Pipecat's services for OpenAI. Arguments: URL of the service, folder for audio, text."""

import asyncio
import json
import sys
import wave
from pathlib import Path

from pipecat.frames.frames import ErrorFrame, TTSAudioRawFrame, TTSSpeakFrame
from pipecat.pipeline.worker import PipelineParams
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.tests.utils import run_test


async def main(url: str, folder: Path, text: str) -> None:
    service = OpenAITTSService(
        api_key="none",
        base_url=f"{url}/v1",
        settings=OpenAITTSService.Settings(voice="alloy"),
        stop_frame_timeout_s=30,  # of 3 s: the first audio may take longer on a busy machine
    )
    down, up = await run_test(
        service,
        frames_to_send=[TTSSpeakFrame(text)],
        pipeline_params=PipelineParams(audio_out_sample_rate=24_000),
        start_timeout=60,
    )
    errors = [frame.error for frame in (*down, *up) if isinstance(frame, ErrorFrame)]
    audio = [frame for frame in down if isinstance(frame, TTSAudioRawFrame)]
    with wave.open(str(folder / "speech.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(b"".join(frame.audio for frame in audio))
    print(json.dumps({"errors": errors, "frames": len(audio)}))


asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
