"""A client of wyoming_openai, which it starts itself. Arguments: URL of the service, folder for audio, text."""

import asyncio
import json
import socket
import sys
import wave
from pathlib import Path

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.event import Event, Eventable
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeVoice

PATIENCE = 60


def bridge(url: str, port: int) -> list[str]:
    """Returns the command of wyoming_openai."""
    options = {"uri": f"tcp://127.0.0.1:{port}"}
    for kind, model in {"stt": "whisper-1", "tts": "tts-1"}.items():
        options |= {f"{kind}-openai-url": f"{url}/v1", f"{kind}-openai-key": "none", f"{kind}-models": model}
    return [
        sys.executable,
        "-m",
        "wyoming_openai",
        *(word for name in options for word in (f"--{name}", options[name])),
    ]


async def connected(uri: str, process: asyncio.subprocess.Process) -> AsyncClient:
    while process.returncode is None:
        client = AsyncClient.from_uri(uri, read_timeout=PATIENCE)
        try:
            await client.connect()
        except OSError:
            await asyncio.sleep(0.1)
        else:
            return client
    raise SystemExit("wyoming_openai has ended")


async def ask(client: AsyncClient, *messages: Eventable, last: str) -> list[Event]:
    """Sends messages; returns the answers up to a type of them."""
    for message in messages:
        await client.write_event(message.event())
    events: list[Event] = []
    while not events or events[-1].type != last:
        event = await client.read_event()
        assert event, "the connection was closed"
        events.append(event)
    return events


async def main(url: str, folder: Path, text: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(*bridge(url, port))
    try:
        async with asyncio.timeout(2 * PATIENCE):
            client = await connected(f"tcp://127.0.0.1:{port}", process)
            info = Info.from_event((await ask(client, Describe(), last="info"))[-1])
            voices = [voice.name for program in info.tts for voice in program.voices]
            [alloy] = [name for name in voices if name.startswith("alloy")]
            events = await ask(client, Synthesize(text, voice=SynthesizeVoice(name=alloy)), last="audio-stop")
            start = AudioStart.from_event(next(event for event in events if event.type == "audio-start"))
            chunks = [AudioChunk.from_event(event) for event in events if event.type == "audio-chunk"]
            with wave.open(str(folder / "speech.wav"), "wb") as file:
                file.setnchannels(start.channels)
                file.setsampwidth(start.width)
                file.setframerate(start.rate)
                file.writeframes(b"".join(chunk.audio for chunk in chunks))
            question = (Transcribe(name="whisper-1", language="en"), start, *chunks, AudioStop())
            heard = Transcript.from_event((await ask(client, *question, last="transcript"))[-1])
            await client.disconnect()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    print(json.dumps({"voices": voices, "text": heard.text}))


asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
