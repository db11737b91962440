"""LiveKit's plugin for OpenAI. Arguments: URL of the service, folder for audio, text."""

import asyncio
import json
import sys
from pathlib import Path

from livekit.agents.utils import http_context
from livekit.plugins import openai


async def main(url: str, folder: Path, text: str) -> None:
    base = {"base_url": f"{url}/v1", "api_key": "none"}
    found = {}
    for model in ("gpt-4o-mini-tts", "tts-1"):  # the first is asked for events, the second for audio
        tts = openai.TTS(model=model, voice="alloy", **base)
        async with tts.synthesize(text) as stream:
            spoken = await stream.collect()
        await tts.aclose()
        (folder / f"{model}.wav").write_bytes(spoken.to_wav_bytes())
        found[model] = spoken.duration
    stt = openai.STT(model="whisper-1", language="en", use_realtime=False, **base)
    heard = await stt.recognize(spoken)
    await stt.aclose()
    print(json.dumps({"seconds": found, "text": heard.alternatives[0].text}))


async def run() -> None:
    async with http_context.open():
        await main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])


asyncio.run(run())
