"""First step: lexicon, tokenizer, pairs of sounds, cells, and the string of cells of every pair."""

import json

import numpy as np

from . import cells as grid
from . import diphones, lexicon, tokenizer
from .espeak import Espeak
from .frames import envelopes, features, power
from .frames import grid as centres
from .sentences import Sentences
from .vocoder import CODES
from .workplace import Workplace


def prepare(at: Workplace) -> None:
    if at.path("tokenizer").exists():
        return
    espeak = Espeak()
    words = lexicon.pronounce(espeak)
    at.path("lexicon.json").write_text(json.dumps(words, ensure_ascii=False, indent=0))
    recorded = list(diphones.record(espeak))
    heard, shapes = [frames for _, frames, _ in recorded], [shape for _, _, shape in recorded]
    sentences = Sentences(1)
    for _ in range(250):  # running speech too, so that the encoder finds its cells
        speech = espeak.say(sentences.sentence(), diphones.BASE)
        at_samples = centres(speech.audio)
        spectra = power(speech.audio, at_samples)
        heard.append(features(spectra, speech.voiced(at_samples / 16000)))
        shapes.append(envelopes(spectra))
    cells = grid.fit(np.concatenate(heard), np.concatenate(shapes))
    cells.save(at.path("cells.npz"))
    units = diphones.Units.quantise([(pair, frames) for pair, frames, _ in recorded], cells)
    units.save(at.path("units.json"))
    lengths = [len(codes) for codes in units.pairs.values()]
    print(f"{len(words)} words, {len(lengths)} pairs of {np.mean(lengths):.1f} codes", flush=True)
    tokenizer.save(tokenizer.build(words, units, CODES), at.path("tokenizer"))
