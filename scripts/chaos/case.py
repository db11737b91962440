"""Requests whose right answer is known beforehand."""

import base64
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

_SENTENCES: Final = (
    "The old man walked to the river.",
    "All work and no play makes Jack a dull boy.",
    "His friend has seven good books.",
)


class Kind(Enum):
    """How an answer is delivered."""

    WHOLE = auto()
    """With its length, after the work is done."""
    STREAM = auto()
    """Chunked audio."""
    EVENTS = auto()
    """Server-sent events."""


@dataclass(frozen=True)
class Case:
    """A request that can be repeated: the same request with the same seed gives the same bytes."""

    name: str
    path: str
    kind: Kind = Kind.WHOLE
    json: Mapping[str, Any] | None = None
    fields: Mapping[str, str] | None = None
    files: Mapping[str, tuple[str, bytes]] | None = None
    text: bool = False
    """Whether the answer is a transcript."""

    def content(self, body: bytes) -> bytes | None:
        """The part of a complete answer that must be equal each time. None if the body cannot be read."""
        try:
            if self.kind is Kind.EVENTS:
                events = parse_events(body)
                audio = b"".join(base64.b64decode(event.get("audio", "")) for event in events)
                return audio + "".join(event.get("text", "") for event in events).encode()
            if self.text:
                return str(json.loads(body)["text"]).encode()
        except (ValueError, KeyError):
            return None
        return body or None


def parse_events(body: bytes) -> list[dict[str, Any]]:
    """Data of the server-sent events in a body.

    Raises:
        ValueError: an event is cut or no JSON.
    """
    lines = body.decode().splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]


def speech(text: str, seed: int, kind: Kind = Kind.WHOLE, **fields: Any) -> Case:
    """A request to /v1/audio/speech."""
    body: dict[str, Any] = {"model": "tts-1", "voice": "alloy", "input": text, "seed": seed, "response_format": "pcm"}
    if kind is Kind.WHOLE:
        body |= {"stream": False, "response_format": "wav"}
    elif kind is Kind.EVENTS:
        body |= {"stream_format": "sse"}
    return Case(f"speech {kind.name.lower()} {seed}", "/v1/audio/speech", kind, json=body | fields)


def transcription(name: str, clip: bytes, kind: Kind = Kind.WHOLE) -> Case:
    """A request to /v1/audio/transcriptions."""
    fields = {"model": "whisper-1"} | ({"stream": "true"} if kind is Kind.EVENTS else {})
    return Case(
        f"transcription {kind.name.lower()} {name}",
        "/v1/audio/transcriptions",
        kind,
        fields=fields,
        files={"file": (name, clip)},
        text=True,
    )


def clone(clip: bytes, seed: int) -> Case:
    """A request to /api/tts with a clip of the voice."""
    fields = {"target_text": _SENTENCES[0], "ref_text": "The sun is up.", "ref_check": "off", "random_seed": str(seed)}
    return Case(f"clone {seed}", "/api/tts", fields=fields, files={"audio": ("clip.wav", clip)})


def speak(text: str, *options: str) -> bytes:
    """A WAV file of espeak-ng."""
    command = ["espeak-ng", "-v", "en-us+f2", *options, "--stdout", text]
    return subprocess.run(command, capture_output=True, check=True).stdout


def converted(clip: bytes, *options: str) -> bytes:
    """A clip through ffmpeg into a pipe."""
    command = ["ffmpeg", "-v", "error", "-i", "-", *options, "-"]
    return subprocess.run(command, input=clip, capture_output=True, check=True).stdout


class Cases:
    """The requests that faults send."""

    def __init__(self) -> None:
        clip = speak("The sun is up.")
        # Long to decode and short to transcribe: nearly all of it is silence.
        long = converted(clip, "-af", "apad=whole_dur=50", "-ar", "48000", "-ac", "2", "-f", "mp3")
        two = " ".join(_SENTENCES[:2])
        self.speech = [speech(text, seed) for seed, text in enumerate(_SENTENCES)]
        self.speech_streams = [speech(two, 7, Kind.STREAM), speech(two, 8, Kind.EVENTS)]
        self.clones = [clone(clip, 9)]
        self.transcriptions = [
            transcription("short.wav", clip),
            transcription("other.wav", speak("The cat sat on the mat.", "-s", "140")),
        ]
        self.transcription_streams = [transcription("short.wav", clip, Kind.EVENTS)]
        self.long_clips = [transcription("long.mp3", long)]
        self.quick_speech = speech("Hello.", 3)
        self.quick_transcription = self.transcriptions[0]

    @property
    def whole(self) -> Sequence[Case]:
        """Requests of every kind that are answered at once."""
        return [*self.speech, *self.clones, *self.transcriptions]

    @property
    def streams(self) -> Sequence[Case]:
        """Requests of every kind that are answered by a stream."""
        return [*self.speech_streams, *self.transcription_streams]
