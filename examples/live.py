"""Speaks the answer of a language model while it is written.

`python examples/live.py "Why is the sky blue?" speech.wav`

The model is any with OpenAI's API: set OPENAI_BASE_URL, OPENAI_API_KEY and OPENAI_MODEL. Needs the packages `openai`
and `websockets`.
"""

import asyncio
import json
import os
import sys
import wave

from openai import AsyncOpenAI
from websockets.asyncio.client import ClientConnection, connect

URL = os.environ.get("LLASA_URL", "http://127.0.0.1:7861").replace("http", "ws", 1) + "/v1/audio/speech/stream"
KEY = os.environ.get("LLASA_API_KEY", "none")


async def send_answer(question: str, socket: ClientConnection) -> None:
    """Sends the answer piece by piece."""
    answer = await AsyncOpenAI().chat.completions.create(
        model=os.environ.get("OPENAI_MODEL", "gpt-4o-mini"),
        messages=[{"role": "user", "content": question}],
        stream=True,
    )
    async for chunk in answer:
        if chunk.choices and (text := chunk.choices[0].delta.content):
            print(text, end="", flush=True)
            await socket.send(json.dumps({"type": "input.text", "text": text}))
    await socket.send(json.dumps({"type": "input.done"}))


async def main(question: str, path: str) -> None:
    async with connect(URL, additional_headers={"Authorization": f"Bearer {KEY}"}) as socket:
        await socket.send(json.dumps({"type": "session.config", "voice": "alloy", "sample_rate": 24_000}))
        sending = asyncio.create_task(send_answer(question, socket))
        with wave.open(path, "wb") as file:
            file.setparams((1, 2, 24_000, 0, "NONE", ""))
            async for message in socket:
                if isinstance(message, bytes):
                    file.writeframes(message)
                    continue
                event = json.loads(message)
                if event["type"] == "error":
                    sys.exit(event["message"])
                if event["type"] == "session.done":
                    break
        await sending


asyncio.run(main(sys.argv[1], sys.argv[2]))
