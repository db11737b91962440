"""Step: sentences spoken by many of espeak's voices, with the cells of each.

The cells are those of the plain voice speaking the same sentence: sounds come in the same order in
every voice, so frames meet by how far each sound has gone.
"""

import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from .cells import Cells
from .diphones import BASE
from .espeak import Audio, Espeak, Speech, Voice
from .frames import HOP, features, grid, power
from .sentences import Sentences
from .voices import HELD_OUT, TRAINED, code_voice, designed, pitch_of, spread
from .workplace import Workplace

SIZES: Final = {"train": 16_000, "held": 400}
_DESIGNED: Final = 160


@dataclass(frozen=True)
class Clip:
    text: str
    voice: Voice
    code_voice: int
    begin: int
    end: int
    """Samples, in the corpus's one long array."""
    cells: list[int]


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


def follow(base: Speech, base_cells: list[int], other: Speech, frames: int) -> list[int]:
    """The base's cells at the times of another rendition of the same sounds."""
    ours, theirs = [t for t, _ in other.phonemes], [t for t, _ in base.phonemes]
    times = np.interp((np.arange(frames) + 0.5) * HOP / 16000, ours, theirs)
    return [base_cells[min(int(t * 16000 / HOP), len(base_cells) - 1)] for t in times]


def build(at: Workplace) -> None:
    strange = designed(_DESIGNED)
    espeak, cells = Espeak({name: text for name, (_, text) in strange.items()}), Cells.load(at.path("cells.npz"))
    trained = TRAINED | {name: throat for name, (throat, _) in strange.items()}
    for name, variants, seed in (("held", HELD_OUT, 77), ("train", trained, 5)):
        if at.path(f"{name}.npy").exists():
            continue
        r, sentences = random.Random(seed), Sentences(seed + 1000)
        voices = spread(variants, (35, 50, 65, 80))
        throats: dict[Voice, int] = {}
        for voice in voices:
            f0 = pitch_of(espeak.say("The old teacher finds a golden key near the river.", voice).audio)
            if 70 < f0 < 340:
                throats[voice] = code_voice(f0, variants[voice.variant])
        rows, pieces, offset = list[str](), list[npt.NDArray[np.int16]](), 0
        while len(rows) < SIZES[name]:
            text = sentences.sentence()
            known = r.choice(list(throats))
            voice = Voice(known.variant, known.pitch, r.randint(145, 195), r.choice((0, 40, 50, 60)))
            base, other = espeak.say(text, BASE), espeak.say(text, voice)
            if [n for _, n in base.phonemes] != [n for _, n in other.phonemes]:
                continue
            centres = grid(base.audio)
            base_cells = cells.quantise(features(power(base.audio, centres), base.voiced(centres / 16000)))
            audio = trimmed(other)
            clip = Clip(
                text, voice, throats[known], offset, offset + len(audio),
                follow(base, base_cells, other, len(audio) // HOP),
            )  # fmt: skip
            rows.append(json.dumps(asdict(clip), ensure_ascii=False))
            pieces.append((audio.clip(-1, 1) * 32767).astype(np.int16))
            offset += len(audio)
            if len(rows) % 2000 == 0:
                print(f"{name}: {len(rows)} clips, {offset / 16000 / 3600:.1f} h", flush=True)
        at.path(f"{name}.jsonl").write_text("\n".join(rows))
        np.save(at.path(f"{name}.npy"), np.concatenate(pieces))
