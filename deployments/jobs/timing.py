"""Fits speech into the times of subtitles."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from deployments.jobs.protocol import Overrun
from deployments.jobs.records import Recorded

_EASY: Final = 1.2
"""Rate up to which a part is spoken faster to end with its cue; beyond it, the gap after the cue is used first."""
FASTEST: Final = 1.6
"""Rate beyond which speech is hard to follow: the cue overruns instead, and the next ones begin late."""
_LATE_S: Final = 0.1
_SHORTEST_S: Final = 0.01
_GAP_S: Final = 0.08
"""Silence that is left before the next cue: two frames of film."""


def fitted(parts: Sequence[Recorded]) -> list[Recorded]:
    """Returns the parts with the silences and rates with which they fit their times; parts without times as they are.

    A part never begins before its time, or before the last one has ended.
    """
    placed: list[Recorded] = []
    at = 0.0
    for part, following in zip(parts, [*parts[1:], None], strict=False):
        if part.slot_start is None or part.slot_end is None:
            placed.append(part)
            continue
        start = max(part.slot_start, at)
        room = max(_limit(part, following) - _GAP_S, part.slot_end) - start
        rate = min(max(part.seconds / max(part.slot_end - start, _SHORTEST_S), 1.0), _EASY)
        if part.seconds / rate > room:
            rate = min(max(part.seconds / max(room, _SHORTEST_S), _EASY), FASTEST)
        seconds = part.seconds / rate
        placed.append(replace(part, before=start - at, pause=0.0, seconds=seconds, rate=rate))
        at = start + seconds
    return placed


def overruns(parts: Sequence[Recorded]) -> list[Overrun]:
    """Returns what does not fit, of parts as they were spoken."""
    found = []
    at = 0.0
    for number, (part, following) in enumerate(zip(fitted(parts), [*parts[1:], None], strict=False), 1):
        if part.slot_start is not None:
            start = at + part.before
            at = start + part.seconds
            late, over = start - part.slot_start, max(at - _limit(part, following), 0.0)
            if late > _LATE_S or over > _LATE_S:
                found.append(Overrun(number, part.written[:200], round(late, 3), round(over, 3)))
    return found


def _limit(part: Recorded, following: Recorded | None) -> float:
    """Returns when a part must have ended: the end of its cue, or of the gap after it."""
    after = math.inf if following is None or following.slot_start is None else following.slot_start
    return max(part.slot_end or 0.0, after) if math.isfinite(after) else math.inf
