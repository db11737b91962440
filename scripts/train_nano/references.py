"""Step: what the finished encoder hears of clips, for the Llama to continue; and more texts to be said."""

import json
import time
from typing import Final

import numpy as np
from tokenizers import normalizers

from deployments.voices.cleaning import Stretch, clean, find_speech

from . import codec
from .corpus import Corpus
from .encoder import heard_codes, trained
from .espeak import Audio
from .natural import NaturalCorpus
from .phones import SYMBOLS
from .recording import recorded, replayed
from .tokenizer import reader
from .words import lexicon
from .workplace import Workplace, save_text

_ESPEAK: Final = 800
_PART: Final = 400
"""Clips after which what is done is kept."""


class Reader:
    """What the tokenizer makes of a text, before it is cells."""

    def __init__(self, lexicon: dict[str, str]) -> None:
        self._normaliser = normalizers.Sequence(reader(lexicon))

    def sounds(self, text: str) -> str:
        said: str = self._normaliser.normalize_str(text)
        return said if not set(said) - set(SYMBOLS) else ""


def build(at: Workplace) -> None:
    done = at.path("references.json")
    if done.exists():
        return
    rows: list[tuple[str, list[int]]] = []
    resume = at.path("references.part")
    if resume.exists():
        rows = json.loads(resume.read_text())
    model = codec.build()
    model.load_state_dict(trained(at))
    model.eval()
    read = Reader(lexicon(at))
    espeak, natural = Corpus(at.root, "train"), NaturalCorpus(at.root, "train")
    count = len(natural.clips) + _ESPEAK
    while len(rows) < count:
        i = len(rows)
        r = np.random.default_rng(i)
        if i < len(natural.clips):
            clip = natural.clips[i]
            wave, text = _as_sent(natural.wave(clip), r), clip.text
        else:
            spoken = espeak.clips[i - len(natural.clips)]
            wave, text = espeak.wave(spoken), spoken.text
        wave = clean(wave, find_speech if r.random() < 0.8 else _all).wav
        codes = heard_codes(model, wave)
        rows.append((read.sounds(text), codes))
        if len(rows) % _PART == 0:
            save_text(resume, json.dumps(rows, ensure_ascii=False))
            print(f"{time.strftime('%H:%M:%S')} heard {len(rows)} of {count}", flush=True)
    save_text(done, json.dumps([row for row in rows if row[0]], ensure_ascii=False))
    resume.unlink(missing_ok=True)


def _all(wave: Audio) -> list[Stretch]:
    return [(0, len(wave))]


def _as_sent(wave: Audio, r: np.random.Generator) -> Audio:
    """Most as they are, the others by other voices still, or as people record themselves."""
    if r.random() < 0.4:
        wave = replayed(wave, float(r.uniform(0.9, 1.12)))
    if r.random() < 0.4:
        wave = recorded(wave, r)
    return wave
