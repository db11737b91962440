"""Files made worse: at random by zzuf, and with knowledge of their structure."""

import random
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from shutil import which
from typing import Final

from scripts.chaos.structure import Chunk, chunks

_RATIOS: Final = (0.00005, 0.0002, 0.001, 0.004, 0.02)
_PIECES: Final = 12


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file that was made worse."""

    number: int
    base: str
    """Name of the file that it was."""
    mutation: str
    data: bytes


def mutants(corpus: Mapping[str, bytes], count: int, seed: int) -> Iterator[Mutant]:
    """Every file in turn, each with a mutation chosen at random: the same ones for the same corpus and seed."""
    names = list(corpus)
    for number in range(count):
        chance = random.Random(f"{seed} {number}")  # noqa: S311 - repeatable
        base = names[number % len(names)]
        mutation = chance.choice(_CHOICES)
        other = corpus[chance.choice(names)]
        yield Mutant(number, base, mutation, MUTATIONS[mutation](corpus[base], other, chance))


def zzuf(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Flips bits, as Debian's zzuf does."""
    ratio, seed = chance.choice(_RATIOS), chance.randrange(2**31)
    if not which("zzuf"):
        return flip(data, ratio, chance)
    command = ["zzuf", "--seed", str(seed), "--ratio", str(ratio)]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def flip(data: bytes, ratio: float, chance: random.Random) -> bytes:
    """Flips bits where zzuf is not installed."""
    changed = bytearray(data)
    for _ in range(max(1, round(len(data) * 8 * ratio))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def truncate(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Ends the file early, often in its header."""
    return data[: chance.randrange(1, min(len(data), chance.choice((64, 512, len(data)))))]


def drop(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Leaves a part out."""
    part = chance.choice(_parts(data, chance))
    return data[: part.start] + data[part.end :] or data[:1]


def duplicate(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Repeats a part, sometimes many times."""
    part = chance.choice(_parts(data, chance))
    times = chance.choice((1, 1, 2, 40))
    return data[: part.end] + data[part.start : part.end] * times + data[part.end :]


def reorder(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Swaps two parts."""
    one, two = sorted(chance.choices(_parts(data, chance), k=2), key=lambda part: part.start)
    if one.end > two.start:  # one lies in the other
        return data[: one.start] + data[one.end :] + data[one.start : one.end]
    middle = data[one.end : two.start]
    return data[: one.start] + data[two.start : two.end] + middle + data[one.start : one.end] + data[two.end :]


def lengths(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Writes another length into one to three parts; without known parts, into any four bytes of the header."""
    changed = bytearray(data)
    found = [part for part in chunks(data) if part.length_at + part.length_width <= len(data)]
    for _ in range(chance.randint(1, 3)):
        if found:
            part = chance.choice(found)
            at, width, order = part.length_at, part.length_width, part.order
        else:
            at, width, order = chance.randrange(max(1, min(len(data), 256) - 4)), 4, chance.choice(("little", "big"))
        most = 256**width - 1
        true = int.from_bytes(data[at : at + width], order)
        values = (0, 1, most, most >> 1, most >> 3, (true - 1) & most, (true + 1) & most, chance.randint(0, most))
        changed[at : at + width] = chance.choice(values).to_bytes(width, order)
    return bytes(changed[: len(data)])


def concatenate(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Appends another file."""
    return data + other


def header(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Puts the beginning of another file before this one, or in the place of its own."""
    taken = other[: chance.choice((4, 12, 44, 128, 1024))]
    return taken + (data if chance.random() < 0.5 else data[len(taken) :])


def zeros(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Zeroes a run of bytes."""
    start = chance.randrange(len(data))
    length = chance.choice((4, 32, 512, 8192))
    return data[:start] + bytes(len(data[start : start + length])) + data[start + length :]


MUTATIONS: Final[dict[str, Callable[[bytes, bytes, random.Random], bytes]]] = {
    "zzuf": zzuf,
    "truncate": truncate,
    "drop": drop,
    "duplicate": duplicate,
    "reorder": reorder,
    "lengths": lengths,
    "concatenate": concatenate,
    "header": header,
    "zeros": zeros,
}
_CHOICES: Final = [*["zzuf"] * 5, *["lengths"] * 2, *(name for name in MUTATIONS if name != "zzuf")]


def _parts(data: bytes, chance: random.Random) -> list[Chunk]:
    """Parts of a known structure, or else pieces of random length."""
    if known := chunks(data):
        return known
    cuts = sorted({0, len(data), *(chance.randrange(len(data)) for _ in range(_PIECES))})
    return [Chunk(start, end, start, 0, "big") for start, end in pairwise(cuts)]
