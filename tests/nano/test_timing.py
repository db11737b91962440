import numpy as np
import pytest

from scripts.train_nano.cells import NAMES as KINDS
from scripts.train_nano.diphones import Units
from scripts.train_nano.phones import CONSONANTS, VOWELS
from scripts.train_nano.plain_corpus import NAMES
from scripts.train_nano.timing import retimed

K, A, T = CONSONANTS["k"], VOWELS["a"], CONSONANTS["t"]


@pytest.mark.parametrize("sounds", [K + A + T, K + T + T + A])
def test_sounds_become_as_long_as_those_of_a_text_and_pauses_stay(sounds: str) -> None:
    units = Units.measure([(K + A, 0.04, 0.06), (A + T, 0.08, 0.02), (T + T, 0.02, 0.06), (T + A, 0.04, 0.04)], NAMES)
    lengths = (3, 11, 6, 2)[: len(sounds)]
    before, after = NAMES.pause(5, after=False), NAMES.pause(4, before=False)
    spoken = [cell for sound, length in zip(sounds, lengths, strict=True) for cell in NAMES.of(sound, 0, 1, length)]
    natural = np.array([*before, *spoken, *after])

    rows, cells = retimed(natural, NAMES, units)

    assert cells.tolist() == [*before, *units.cells(sounds), *after]
    assert len(rows) == len(cells)
    assert (np.diff(rows) >= 0).all()
    assert [KINDS[kind][0] for kind in natural[rows]] == [KINDS[kind][0] for kind in cells]
    assert rows[:5].tolist() == [*range(5)]
    assert rows[-4:].tolist() == [*range(len(natural) - 4, len(natural))]
