"""What the Whisper learns from: espeak's voices, the codec's own voice, and the first through the second."""

import bisect
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from .cells import CELLS, Cells
from .corpus import Clip, Corpus
from .espeak import SAMPLE_RATE, Audio
from .lm_data import Speaker
from .phones import EDGE, PHONES, from_espeak
from .sentences import Sentences
from .vocoder import Vocoder
from .voices import CODE_VOICES
from .workplace import Workplace

SOUNDS: Final = EDGE + PHONES
_CODE: Final = 320
_MIX: Final = (0.4, 0.2, 0.4)
"""espeak, composed of pairs, espeak through the codec."""
_LONGEST: Final = 18.0
"""Seconds up to which clips are run together: whoever has read short ones only loses the place in long ones."""
_FULL: Final = 4.0
"""Seconds of a clip, of which a whole batch may be; of longer ones there are fewer."""


@dataclass(frozen=True)
class Heard:
    wave: Audio
    words: list[str]
    starts: list[float]
    """Of every word in seconds, and the end of the last."""
    sounds: list[int]
    """Index in SOUNDS of every 20 ms."""


@dataclass(frozen=True)
class Batch:
    waves: Tensor
    ids: Tensor
    targets: Tensor
    """-100 where nothing is to be learnt."""
    sounds: Tensor
    spans: Tensor
    """[batch, ids, 2]: positions of the word to be written, -1 where there is none."""
    offset: int
    blank: int
    """Codes of zeros after the clip, with which faster-whisper fills up thirty seconds."""


class Listener:
    def __init__(self, at: Workplace, words: PreTrainedTokenizerFast, seed: int) -> None:
        self._at, self._r = at, np.random.default_rng(seed)
        self._corpus, self._speaker = Corpus(at.root, "train"), Speaker(at.root, seed)
        self._sentences = Sentences(seed + 500)
        self._vocoder = Vocoder.design(Cells.load(at.path("cells.npz")))
        self._through: list[tuple[str, list[int], int]] = []
        self._own = defaultdict[tuple[str, int], list[int]](list)
        """Clips of each speaker, in order."""
        for i, clip in enumerate(self._corpus.clips):
            self._own[speaker_of(clip)].append(i)
        ids = words.get_vocab()
        self._ids, self._start, self._end = ids, ids["<|startoftranscript|>"], ids["<|endoftext|>"]
        self._plain, self._zero = ids["<|notimestamps|>"], ids["<|0.00|>"]

    def refresh(self) -> None:
        if not self._through and (path := self._at.path("references.json")).exists():
            self._through = json.loads(path.read_text())

    def clip(self, clip: Clip, wave: Audio) -> Heard:
        words = [word.strip(",.?!") for word in clip.text.split()]
        starts = [t for t, _ in clip.sounds]
        names = [SOUNDS.index((_sound(name) or EDGE)[-1]) for _, name in clip.sounds]
        times = (np.arange(len(wave) // _CODE + 1) + 0.5) * _CODE / SAMPLE_RATE
        return Heard(
            wave,
            words,
            clip.words,
            [names[i] if i >= 0 else 0 for i in np.searchsorted(starts, times, side="right") - 1],
        )

    def composed(self, ease: float = 0.0, voice: int | None = None) -> Heard:
        """The pairs of a sentence, by the design vocoder: what the Llama says when it errs nowhere."""
        units, sounds, words, starts, labels, cells = self._speaker.units, self._speaker, [], [], [], list[int]()
        left = EDGE
        short = self._r.random() < ease
        sentence = self._sentences.jumble(int(self._r.integers(1, 4))) if short else self._sentences.sentence()
        for token in (sentence.rstrip(".?!") + ".").split():
            word = token.strip(",.?!")
            for i, sound in enumerate(sounds.lexicon[word]):
                pair = units.pairs[left + sound]
                half = len(pair) // 2
                if i == 0:
                    words.append(word)
                    starts.append((len(cells) + half) * 0.02)
                cells += pair
                labels += [SOUNDS.index(left)] * half + [SOUNDS.index(sound)] * (len(pair) - half)
                left = sound
            if word != token:
                pause = units.pairs[left + EDGE] + [units.silence] * (5 if token.endswith(",") else 10)
                labels += [SOUNDS.index(left)] * (len(units.pairs[left + EDGE]) - 2) + [0] * (
                    2 + len(pause) - len(units.pairs[left + EDGE])
                )
                end = len(cells) + len(units.pairs[left + EDGE]) - 2
                cells, left = cells + pause, EDGE
        voice = int(self._r.integers(len(CODE_VOICES))) if voice is None else voice
        codes = torch.tensor(cells)[None] + CELLS * voice
        return Heard(self._vocoder.speak(codes)[0].numpy(), words, [*starts, end * 0.02], labels)

    def _someone(self) -> Callable[[float], Heard]:
        """One voice at random, which says something whenever it is called."""
        kind = self._r.choice(3, p=_MIX)
        if kind == 1:
            voice = int(self._r.integers(len(CODE_VOICES)))
            return lambda ease: self.composed(ease, voice)
        through = kind == 2 and bool(self._through)
        clips = self._corpus.clips[: len(self._through)] if through else self._corpus.clips
        own = self._own[speaker_of(clips[self._r.integers(len(clips))])]

        def say(_: float) -> Heard:
            i = own[self._r.integers(bisect.bisect_left(own, len(clips)))]
            if through:
                codes = torch.tensor(self._through[i][1])[None]
                return self.clip(clips[i], self._vocoder.speak(codes)[0].numpy())
            return self.clip(clips[i], self._corpus.wave(clips[i]))

        return say

    def pool(self, done: float, size: int) -> list[Batch]:
        """Clips by length, so that little is silence; now and then some run together, or a long silence after."""
        r = self._r
        self.refresh()
        heard = []
        for _ in range(8 * size):
            say = self._someone()
            one, most = say(0.9 - 2 * done), r.uniform(0, _LONGEST)
            if r.random() < 0.4 * done:
                while len(one.wave) < most * SAMPLE_RATE:
                    one = join(one, say(0.5), int(r.integers(0, 40)) if r.random() < 0.6 else 0)
            heard.append(one)
        heard.sort(key=lambda h: len(h.wave))
        batches, batch = list[Batch](), list[Heard]()
        for one in heard:
            if batch and (len(batch) == size or (len(batch) + 1) * len(one.wave) > size * _FULL * SAMPLE_RATE):
                batches.append(self._batch(batch, done))
                batch = []
            batch.append(one)
        batches.append(self._batch(batch, done))
        r.shuffle(batches)
        return batches

    def _batch(self, heard: list[Heard], done: float) -> Batch:
        r = self._r
        lead = int(r.integers(0, 26)) if r.random() < 0.5 else 0  # codes of silence first
        tail = int(r.integers(5, 40)) if r.random() < 0.9 else int(r.integers(40, 400))
        count = min(max(len(h.wave) for h in heard) // _CODE + 1 + lead + tail, 1500)
        blank = min(1500 - count, int(10 ** r.uniform(0.5, 2.6))) if r.random() < 0.6 else 0
        offset = 0 if r.random() < 0.5 else int(r.integers(0, 1501 - count - blank))
        waves = np.zeros((len(heard), count * _CODE), np.float32)
        sounds = torch.zeros(len(heard), count, dtype=torch.long)
        width = max(len(h.words) for h in heard) + 4
        ids = torch.full((len(heard), width), self._end)
        targets, spans = torch.full((len(heard), width), -100), torch.full((len(heard), width, 2), -1)
        for row, h in enumerate(heard):
            waves[row, lead * _CODE : lead * _CODE + len(h.wave)] = h.wave * 10 ** r.uniform(-0.6, 0.4)
            sounds[row, lead : lead + len(h.sounds)] = torch.tensor(h.sounds)
            words = [self._ids[" " + word] for word in h.words]
            if r.random() < 0.7:
                first, last = (self._zero + offset + lead + round(t * 50) for t in (h.starts[0], h.starts[-1]))
                sequence = [self._start, first, *words, last, self._end]
            else:
                sequence = [self._start, self._plain, *words, self._end]
            ids[row, : len(sequence) - 1] = torch.tensor(sequence[:-1])
            targets[row, : len(sequence) - 1] = torch.tensor(sequence[1:])
            if sequence[1] == self._plain:
                targets[row, 0] = -100
            for i in range(len(words)):
                span = [lead + round(h.starts[i] * 50), lead + round(h.starts[i + 1] * 50)]
                spans[row, i + 1] = torch.tensor([span[0], max(span[1], span[0] + 2)])
        noise = 10 ** r.uniform(-5, -2.2, (len(heard), 1)) * r.standard_normal(waves.shape)
        return Batch(torch.tensor(waves + noise, dtype=torch.float32), ids, targets, sounds, spans, offset, blank)


def join(a: Heard, b: Heard, pause: int) -> Heard:
    """Both in one, `pause` codes apart: without one, from word to word."""
    end, begin = round(a.starts[-1] * 50), int(b.starts[0] * 50)
    codes = end + pause
    silence = np.zeros(pause * _CODE, np.float32)
    wave = np.concatenate(
        [
            a.wave[: end * _CODE],
            np.zeros(max(0, end * _CODE - len(a.wave)), np.float32),
            silence,
            b.wave[begin * _CODE :],
        ]
    )
    sounds = (a.sounds[:end] + [0] * codes)[:codes] + b.sounds[begin:]
    return Heard(wave, a.words + b.words, a.starts[:-1] + [t + (codes - begin) * 0.02 for t in b.starts], sounds)


def speaker_of(clip: Clip) -> tuple[str, int]:
    """A voice of espeak's at one pitch: its variant, and the pitch."""
    return clip.voice.variant, clip.voice.pitch


def _sound(name: str) -> str:
    return "" if name.startswith("_") else "ə" if name == ";" else from_espeak(name)
