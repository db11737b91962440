"""Step: natural speech by the teacher, WordNet's examples in many voices, in packs of a hundred clips.

A pack is `NNN.opus`, the clips one after the other, and `NNN.jsonl`, a line of text, phonemes and place for each. Two
processes beside one another (`--packs` the same) make different ones.
"""

import json
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from .espeak import Audio
from .teacher import Teacher
from .words import examples
from .workplace import Workplace, save_text

PACKS: Final = 46
_CLIPS: Final = 100


def build(at: Workplace) -> None:
    wanted = [at.packs / f"{number:03d}.jsonl" for number in range(PACKS)]
    if all(path.exists() for path in wanted):
        return
    at.packs.mkdir(parents=True, exist_ok=True)
    teacher, texts = Teacher(at.path("registry")), examples()
    for number, path in enumerate(wanted):
        if not path.exists():
            _pack(teacher, texts, path, np.random.default_rng(number))
            print(f"spoken: {path.stem}", flush=True)


def _pack(teacher: Teacher, texts: list[str], path: Path, r: np.random.Generator) -> None:
    waves, rows, offset = list[Audio](), list[dict[str, Any]](), 0
    while len(rows) < _CLIPS:
        text, voices = texts[r.integers(len(texts))], _voices(teacher, r)
        british, speed = next(iter(voices))[0] == "b", float(r.uniform(0.85, 1.15))
        phonemes = teacher.read(text, british)
        wave = teacher.speak(phonemes, voices, speed)
        if len(wave):
            waves.append(wave)
            row = {"text": text, "phonemes": phonemes, "voices": list(voices), "british": british}
            rows.append(row | {"speed": speed, "samples": len(wave), "offset": offset})
            offset += len(wave)
    _write(path.with_suffix(".opus"), np.concatenate(waves))
    save_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _voices(teacher: Teacher, r: np.random.Generator) -> dict[str, float]:
    """Four in ten one voice, three two mixed, two an English and a foreign one, one three."""
    kind, english = r.random(), teacher.english
    if kind < 0.4:
        return {str(r.choice(english)): 1.0}
    if kind < 0.9 and kind >= 0.7:
        return {str(r.choice(english)): 0.6, str(r.choice(teacher.foreign)): 0.4}
    count = 2 if kind < 0.7 else 3
    names = [str(name) for name in r.choice(english, count, replace=False)]
    return dict(zip(names, map(float, r.dirichlet(np.full(count, 2.0))), strict=True))


def _write(path: Path, wave: Audio) -> None:
    samples = (wave.clip(-1, 1) * 32767).astype(np.int16)
    with av.open(str(path), "w", format="ogg") as file:
        stream = file.add_stream("libopus", rate=16000, layout="mono")
        stream.bit_rate = 28000
        for start in range(0, len(samples), 16000):
            frame = av.AudioFrame.from_ndarray(samples[start : start + 16000][None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = 16000, start
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
