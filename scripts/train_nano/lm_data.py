"""What the Llama learns from: prompts of sounds with the codes that speak them, after a reference or without."""

import json
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from . import tokenizer as tokens
from .cells import CELLS, Cells, character
from .diphones import PAUSES, Units
from .melody import Manner, Melody
from .phones import COMMA, CONSONANTS, STOP, STRESSED, VOWELS
from .sentences import Sentences
from .voices import PITCHES, THROATS, phases_of, running, throats_of, voices_of
from .words import lexicon
from .workplace import Workplace

_ONSETS: Final = list(CONSONANTS.values())
_NUCLEI: Final = [*VOWELS.values(), *STRESSED.values()]
LEAD: Final = 4
"""Cells of a pause that are said anew after it: without a silence before them, *b* and *m* are not heard."""


@dataclass(frozen=True)
class Prompt:
    """The ids around the text, and of the codes."""

    before: list[int]
    after: list[int]
    code0: int
    end: int
    pad: int
    cell0: int

    @staticmethod
    def of(tokenizer: PreTrainedTokenizerFast) -> "Prompt":
        def ids(text: str) -> list[int]:
            return list(tokenizer.encode(text, add_special_tokens=False))

        return Prompt(
            ids("<|begin_of_text|>" + tokens.SYSTEM + tokens.USER + "<|TEXT_UNDERSTANDING_START|>"),
            ids("<|TEXT_UNDERSTANDING_END|>" + tokens.ASSISTANT + "<|SPEECH_GENERATION_START|>"),
            int(tokenizer.convert_tokens_to_ids("<|s_0|>")),
            ids("<|SPEECH_GENERATION_END|>")[0],
            int(tokenizer.pad_token_id),
            int(tokenizer.convert_tokens_to_ids(character(0))),
        )

    def ids(self, cells: list[int]) -> list[int]:
        return [*self.before, *(self.cell0 + cell for cell in cells), *self.after]


@dataclass(frozen=True)
class Reference:
    sounds: str
    codes: list[int]
    of: list[int]
    """Which cell of the text each code is of, -1 where nobody knows."""
    manner: Manner


@dataclass(frozen=True)
class Item:
    ids: list[int]
    lead: int
    """How many ids lead up to what is to be learnt."""
    looks: list[int]
    """Where in the text the reader should look who is about to say each id; -1 where it does not matter."""


class _Bank:
    """References that the encoder has heard, by throat."""

    def __init__(self) -> None:
        self._by_throat: dict[int, list[tuple[str, list[int]]]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_throat)

    @staticmethod
    def load(path: Path) -> "_Bank":
        bank = _Bank()
        for sounds, codes in json.loads(path.read_text()):
            throat = int(np.bincount(throats_of(np.array(codes) // CELLS)).argmax())
            bank._by_throat.setdefault(throat, []).append((sounds, codes))
        return bank

    def text(self, r: random.Random) -> str:
        """Sounds of what somebody said."""
        return r.choice(r.choice(list(self._by_throat.values())))[0]

    def pick(self, r: random.Random, throat: int | None) -> tuple[str, list[int]]:
        chosen = r.choice(list(self._by_throat)) if throat is None or throat not in self._by_throat else throat
        return r.choice(self._by_throat[chosen])


class Speaker:
    """Sentences as sounds and cells; references as an encoder would hear them."""

    def __init__(self, work: Path, seed: int) -> None:
        self.lexicon = lexicon(Workplace(work, work))
        self._words = list(self.lexicon.values())
        self.units = Units.load(work / "units.json")
        self.random = random.Random(seed)
        self._sentences = Sentences(seed + 1)
        layout = Cells.load(work / "cells.npz")
        self._melody, self._silence = Melody(layout), layout.silence
        centres = torch.from_numpy(layout.centres)
        apart = torch.cdist(centres, centres)
        self._near, self._apart = apart.argsort(1)[:, 1:13].numpy(), (apart / apart.mean()).numpy()
        self._followed: dict[int, list[int]] = {}
        self._work, self._bank = work, _Bank()
        self.refresh()

    def refresh(self) -> None:
        """Real references, once the encoder has made them."""
        if not self._bank and (path := self._work / "references.json").exists():
            self._bank = _Bank.load(path)

    def sounds(self, sentence: str) -> str:
        """As the tokenizer reads it, quicker."""
        said = ""
        for word in sentence.split():
            bare = word.rstrip(",.?!")
            said += self.lexicon[bare] + (COMMA if word.endswith(",") else STOP if word != bare else "")
        return said

    def _foreign(self) -> str:
        """A word of any sounds."""
        r = self.random
        return "".join(
            (r.choice(_ONSETS) if r.random() < 0.8 else "")
            + r.choice(_NUCLEI)
            + (r.choice(_ONSETS) if r.random() < 0.5 else "")
            for _ in range(r.randint(1, 3))
        )

    def text(self, ease: float) -> str:
        """Sounds of a sentence, or of some words of it while all is new (ease near 1)."""
        r = self.random
        if r.random() < ease:
            return self.sounds(self._sentences.jumble(r.randint(1, 3)) + ("." if r.random() < 0.5 else ""))
        kind = r.random()
        if kind < 0.25:  # names and rare words, in whatever order: every sound beside every other, and at the beginning
            said = "".join(r.choices(self._words, k=r.randint(2, 9))) + STOP
        elif self._bank and kind < 0.6:
            said = self._bank.text(r)
        else:
            said = self.sounds(self._sentences.sentence())
        if r.random() < 0.2:
            said = said.rstrip(STOP)
        if r.random() < 0.25:
            at = r.randrange(len(said))
            said = said[:at] + self._foreign() + said[at:]
        while r.random() < 0.25:
            said = said.rstrip(STOP) if r.random() < 0.5 else said  # run together: longer than any sentence of its own
            said += self.sounds(self._sentences.sentence())
        return said

    def heard(self, cells: list[int], manner: Manner) -> tuple[list[int], list[int]]:
        """Codes of a clip as an encoder blurs them, and which cell each is of.

        The tempo is another, cells are neighbours of what they should be, now and then the voice is another.
        """
        r = self.random
        if r.random() < 0.15:
            return self.spoken(cells, manner, 0), list(range(len(cells)))
        step, at = r.uniform(0.75, 1.3), 0.0
        said, of = list[int](), list[int]()
        wrong, astray = r.uniform(0.05, 0.7), r.uniform(0, 0.25)
        while at < len(cells):
            cell = cells[int(at)]
            if r.random() < wrong:
                cell = int(self._near[cell][r.randrange(12)]) if r.random() < 0.85 else r.randrange(CELLS)
            said.append(cell)
            of.append(int(at))
            at += step * r.uniform(0.6, 1.4)
        count = len(said)
        pitches = self._melody.pitches(cells, manner, r)[np.array(of)]
        strays = np.array([r.random() < astray for _ in range(count)])
        pitches = np.where(strays, pitches + r.choice((-2, -1, 1, 2)), pitches).clip(0, PITCHES - 1)
        throats = np.full(count, manner.throat)
        throats[strays] = r.randrange(len(THROATS))
        voices = voices_of(pitches, np.ones(count, np.int64), throats)
        return [c + CELLS * int(v) for c, v in zip(said, voices, strict=True)], of

    def spoken(self, cells: list[int], manner: Manner, phase: int) -> list[int]:
        """Codes as they should be said, after a code at that phase."""
        pitches = self._melody.pitches(cells, manner, self.random)
        voices = voices_of(pitches, running(pitches, phase), np.full(len(cells), manner.throat))
        return [c + CELLS * int(v) for c, v in zip(cells, voices, strict=True)]

    def follow(self, codes: list[int], cells: list[int]) -> list[int]:
        """Which cell each code of a real clip is of: the cheapest way through, at up to three cells a code."""
        apart = self._apart[np.array(codes) % CELLS][:, cells]
        cost, back = apart[0] + 0.1 * np.arange(len(cells)), list[Any]()
        for row in apart[1:]:
            ways = np.full((4, len(cells)), np.inf)
            for step, price in enumerate((0.1, 0.0, 0.1, 0.3)):
                ways[step, step:] = cost[: len(cells) - step] + price
            best = ways.argmin(0)
            back.append(best)
            cost = ways[best, np.arange(len(cells))] + row
        at = int((cost + 0.1 * np.arange(len(cells))[::-1]).argmin())
        of = [at]
        for best in reversed(back):
            at -= int(best[at])
            of.append(at)
        return of[::-1]

    def reference(self, done: float) -> Reference:
        """A clip of one sentence or some, heard by the encoder or as if it were."""
        r = self.random
        manner = Manner.any(r)
        made = Reference("", [], [], manner)
        count = 1 if r.random() < 0.75 else r.randint(2, 4)
        real = bool(self._bank) and r.random() < 0.8
        for i in range(count):
            first = len(self.units.cells(made.sounds))
            exact = made.sounds == "" or made.sounds[-1] in PAUSES
            if real:
                words, codes = self._bank.pick(r, made.manner.throat if i else None)
                ends = STOP if i < count - 1 or r.random() < 0.85 else ""  # a transcript may lack its full stop
                if id(codes) not in self._followed:
                    self._followed[id(codes)] = self.follow(codes, self.units.cells(words.rstrip(STOP)))
                place = [first + k if exact else -1 for k in self._followed[id(codes)]]
                made = Reference(made.sounds + words.rstrip(STOP) + ends, made.codes + codes, made.of + place, manner)
                made = replace(made, manner=self._melody.manner_of(made.codes, r))
            else:
                words = self.text(max(0.0, 0.3 - done))
                cells = self.units.cells(words)
                silence = r.randint(0, 8), r.randint(0, 8)
                cells = [self._silence] * silence[0] + cells + [self._silence] * silence[1]
                codes, of = self.heard(cells, made.manner)
                place = [
                    first + k - silence[0] if exact and 0 <= k - silence[0] < len(cells) - sum(silence) else -1
                    for k in of
                ]
                made = Reference(made.sounds + words, made.codes + codes, made.of + place, made.manner)
            if len(made.codes) > 500:
                break
        return made

    def item(self, prompt: Prompt, done: float) -> Item:
        r = self.random
        ease = max(0.02, 0.9 - 3 * done)
        if r.random() < min(0.75, 0.1 + 2 * done):
            reference = self.reference(done)
        else:
            reference = Reference("", [], [], Manner.any(r))
        cells, start = self.target(reference.sounds, self.text(ease))
        ids = prompt.ids(cells) + [prompt.code0 + c for c in reference.codes]
        phase = int(phases_of(np.array(reference.codes[-1:]) // CELLS)[0]) if reference.codes else 0
        target = [prompt.code0 + c for c in self.spoken(cells[start:], reference.manner, phase)]
        first = len(prompt.before)
        looks = [-1] * (len(ids) - len(reference.codes))
        looks += [first + k if k >= 0 else -1 for k in reference.of]
        looks += range(first + start, first + len(cells) + 1)
        return Item([*ids, *target, prompt.end], len(ids), looks)

    def target(self, before: str, sounds: str) -> tuple[list[int], int]:
        """The cells of both together, and where the second begins: in the middle of the pair where they meet."""
        cells, towards = self.units.aligned(before + sounds)
        if not before or before[-1] in PAUSES:
            return cells, len(self.units.cells(before)) - LEAD if before else 0
        meeting = [k for k, to in enumerate(towards) if to == len(before)]
        return cells, meeting[len(meeting) // 2]


@dataclass(frozen=True)
class Batch:
    inputs: Tensor
    targets: Tensor
    """-100 where nothing is to be learnt."""
    looks: Tensor
    """-1 where it does not matter."""


def collate(items: list[Item], pad: int) -> Batch:
    width = max(len(item.ids) for item in items) - 1
    inputs, targets = torch.full((len(items), width), pad), torch.full((len(items), width), -100)
    looks = torch.full((len(items), width), -1)
    for row, item in enumerate(items):
        sequence = torch.from_numpy(np.array(item.ids))
        inputs[row, : len(sequence) - 1] = sequence[:-1]
        targets[row, item.lead - 1 : len(sequence) - 1] = sequence[item.lead :]
        looks[row, : len(sequence) - 1] = torch.tensor(item.looks[1:])
    return Batch(inputs, targets, looks)


def batches(speaker: Speaker, prompt: Prompt, done: float, tokens_each: int) -> list[Batch]:
    """A pool of items by length, so that little is padding."""
    count = max(160, tokens_each // 50)
    pool = sorted((speaker.item(prompt, done) for _ in range(count)), key=lambda item: len(item.ids))
    made, batch = list[Batch](), list[Item]()
    for item in pool:
        if batch and (len(batch) + 1) * len(item.ids) > tokens_each:
            made.append(collate(batch, prompt.pad))
            batch = []
        batch.append(item)
    if len(batch) * len(batch[-1].ids) > tokens_each / 2:
        made.append(collate(batch, prompt.pad))
    speaker.random.shuffle(made)
    return made
