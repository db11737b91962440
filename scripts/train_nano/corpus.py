"""Step: sentences spoken by many of espeak's voices, with the cell and the pitch of every frame."""

import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from . import pitch
from .cells import Cells
from .espeak import Audio, Espeak, Speech, Voice
from .frames import HOP
from .sentences import Sentences
from .spoken import Unsure, cells_of, say
from .voices import HELD_OUT, TRAINED, designed, pitch_of, spread
from .words import examples
from .workplace import Workplace

SIZES: Final = {"train": 3_000, "held": 60}
_DESIGNED: Final = 160


@dataclass(frozen=True)
class Clip:
    text: str
    voice: Voice
    throat: int
    begin: int
    end: int
    """Samples, in the corpus's one long array."""
    cells: list[int]
    pitches: list[int]
    """Hz of each frame, 0 where there is none."""


class Corpus:
    def __init__(self, folder: Path, name: str) -> None:
        self.audio: npt.NDArray[np.int16] = np.load(folder / f"{name}.npy", mmap_mode="r")
        rows = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
        self.clips = [Clip(**row | {"voice": Voice(**row["voice"])}) for row in rows]

    def wave(self, clip: Clip) -> Audio:
        return np.asarray(self.audio[clip.begin : clip.end] / 32768, dtype=np.float32)


def trimmed(speech: Speech) -> Audio:
    """Without espeak's long closing silence."""
    loud = np.flatnonzero(np.abs(speech.audio) > 0.004)
    return np.asarray(speech.audio[: loud[-1] + 1600] if len(loud) else speech.audio, dtype=np.float32)


def build(at: Workplace) -> None:
    strange = designed(_DESIGNED)
    espeak, cells = Espeak({name: text for name, (_, text) in strange.items()}), Cells.load(at.path("cells.npz"))
    trained = TRAINED | {name: throat for name, (throat, _) in strange.items()}
    others = examples()
    for name, variants, seed in (("held", HELD_OUT, 77), ("train", trained, 5)):
        if at.path(f"{name}.npy").exists():
            continue
        r, sentences = random.Random(seed), Sentences(seed + 1000)
        throats: dict[Voice, int] = {}
        for voice in spread(variants, (35, 50, 65, 80)):
            f0 = pitch_of(espeak.say("The old teacher finds a golden key near the river.", voice).audio)
            if 70 < f0 < 340:
                throats[voice] = variants[voice.variant]
        rows, pieces, offset = list[str](), list[npt.NDArray[np.int16]](), 0
        while len(rows) < SIZES[name]:
            text = sentences.sentence() if r.random() < 0.5 else r.choice(others)
            known = r.choice(list(throats))
            voice = Voice(known.variant, known.pitch, r.randint(145, 195), r.choice((0, 40, 50, 60)))
            try:
                speech, sounds = say(espeak, text, voice)
            except Unsure:
                continue
            audio = trimmed(speech)
            clip = Clip(
                text, voice, throats[known], offset, offset + len(audio),
                [int(c) for c in cells_of(sounds, cells, len(audio) // HOP)],
                [round(float(f0)) for f0 in pitch.track(audio)],
            )  # fmt: skip
            rows.append(json.dumps(asdict(clip), ensure_ascii=False))
            pieces.append((audio.clip(-1, 1) * 32767).astype(np.int16))
            offset += len(audio)
            if len(rows) % 1000 == 0:
                print(f"{name}: {len(rows)} clips, {offset / 16000 / 3600:.1f} h", flush=True)
        at.path(f"{name}.jsonl").write_text("\n".join(rows))
        np.save(at.path(f"{name}.npy"), np.concatenate(pieces))
