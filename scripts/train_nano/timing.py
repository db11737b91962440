"""The plain voice's frames, as long as a text's sounds are: what the decoder will have to speak.

A decoder that has heard natural lengths only misspeaks average ones: see README.md, "What ships".
"""

from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from .cells import NAMES, Cells
from .diphones import Units
from .phones import EDGE

Ints = npt.NDArray[np.int64]


def retimed(said: Ints, layout: Cells, units: Units) -> tuple[Ints, Ints]:
    """Lengthens and shortens the sounds of natural speech to those of `Units`; pauses stay.

    Args:
        said: [frames] cells of natural speech.
        layout: Of the cells.
        units: How long sounds last.

    Returns:
        [n] the frames that stand there, and [n] the cells that they have there.
    """
    phones, stages = (np.array(each)[np.argsort(layout.places)] for each in zip(*NAMES, strict=True))

    def bounds(cells: Ints) -> Ints:
        """Where sounds begin and end. One that follows itself begins anew at an early stage."""
        other = phones[cells[1:]] != phones[cells[:-1]]
        anew = (stages[cells[1:]] < stages[cells[:-1]]) & (phones[cells[1:]] != EDGE)
        return np.concatenate([[0], np.flatnonzero(other | anew) + 1, [len(cells)]])

    @cache
    def halves(left: str, right: str) -> tuple[list[int], list[int]]:
        cells = units.pairs[left + right]
        middle = 0 if left == EDGE else int(bounds(np.array(cells))[1])
        return cells[:middle], cells[middle:]

    at = bounds(said)
    names = [EDGE, *phones[said[at[:-1]]], EDGE]
    rows, cells = list[npt.NDArray[np.float64]](), list[int]()
    for i, (first, last) in enumerate(pairwise(at.tolist()), 1):
        if names[i] == EDGE:
            rows.append(np.arange(first, last))
            cells += layout.pause(last - first, after=first > 0, before=last < len(said))
            continue
        beginning, ending = halves(names[i - 1], names[i])[1], halves(names[i], names[i + 1])[0]
        middle = (first + last) / 2
        for begin, end, half in ((first, middle, beginning), (middle, last, ending)):
            rows.append(begin + (np.arange(len(half)) + 0.5) / len(half) * (end - begin))
            cells += half
    return np.concatenate(rows).astype(np.int64), np.array(cells)
