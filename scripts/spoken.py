"""Speaks a text on a running service, and shows part by part what was sent to the model and what Whisper hears.

python -m scripts.spoken docs/examples/answer.md > docs/explanation/spoken-answer.md
"""

import argparse
import base64
import io
import textwrap
import wave
from pathlib import Path
from typing import Any

import httpx

from deployments.text.wer import error_rate, tokens

_WIDEST = 240
"""Characters of a cell."""
_HEAD = """\
# A language model's answer, spoken

[This Markdown]({source}) of {characters} characters, as language models write it, was spoken by `{model}` in the
voice {voice} with `python -m scripts.spoken docs/examples/answer.md`. The table shows what was sent to the model, part
by part, how many takes were made, and what the service's Whisper hears in the audio. {seconds:.0f} s of speech; word
error rate {error:.0%}, with each part capped at 100 %.

| Part | Takes | Heard |
|---|---|---|
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:7861")
    parser.add_argument("--voice", default="alloy")
    given = parser.parse_args()
    text = given.text.read_text(encoding="utf-8")
    with httpx.Client(base_url=given.url, timeout=900) as client:
        model = client.get("/v1/models").json()["data"][0]["id"]
        body = {"model": model, "input": text, "voice": given.voice, "response_format": "wav", "details": True}
        spoken = client.post("/v1/audio/speech", json=body).raise_for_status().json()
        heard = [_heard(client, spoken["audio"], part) for part in spoken["parts"]]
    counts = [len(tokens(part["text"])) for part in spoken["parts"]]
    errors = [min(error_rate(part["text"], text), 1) for part, text in zip(spoken["parts"], heard, strict=True)]
    error = sum(error * count for error, count in zip(errors, counts, strict=True)) / sum(counts)
    head = {"source": f"../{given.text.relative_to('docs')}", "characters": len(text), "model": model}
    print(_HEAD.format(**head, voice=given.voice, seconds=spoken["duration"], error=error), end="")
    for part, text in zip(spoken["parts"], heard, strict=True):
        print(f"| {_cell(part['text'])} | {part['attempts']} | {_cell(text)} |")


def _heard(client: httpx.Client, audio: str, part: dict[str, Any]) -> str:
    """Returns what Whisper hears in a part of a WAV in base64."""
    with wave.open(io.BytesIO(base64.b64decode(audio))) as whole:
        whole.setpos(min(int(part["start"] * whole.getframerate()), whole.getnframes()))
        frames = whole.readframes(int(part["seconds"] * whole.getframerate()))
        cut = io.BytesIO()
        with wave.open(cut, "wb") as file:
            file.setparams(whole.getparams())
            file.writeframes(frames)
    answer = client.post("/api/transcribe", files={"audio": cut.getvalue()}).raise_for_status()
    return str(answer.json()["text"])


def _cell(text: str) -> str:
    return textwrap.shorten(text, _WIDEST, placeholder=" …").replace("|", "\\|")  # Whisper may fall into repetition


if __name__ == "__main__":
    main()
