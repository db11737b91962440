"""Brings recordings to a loudness: EBU R 128 or ACX's."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import PlainValidator, WithJsonSchema

from deployments.audio.filters import Filters
from deployments.audio.meter import Loudness
from deployments.xcodec2.protocol import Waveform

_STANDARDS: Final = ("ebu", "acx")
_QUIETEST: Final = -31
_LOUDEST: Final = -14


def _target(value: object) -> "LoudnessTarget":
    if value == "ebu" or value == "acx":
        return value
    with suppress(ValueError):
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else 0.0
        if _QUIETEST <= number <= _LOUDEST:
            return number
    raise ValueError(f"must be {', '.join(_STANDARDS)} or a number from {_QUIETEST} to {_LOUDEST}")


LoudnessTarget = Annotated[
    Literal["ebu", "acx"] | float,
    PlainValidator(_target),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": [*_STANDARDS]},
                {"type": "number", "minimum": _QUIETEST, "maximum": _LOUDEST},
            ]
        }
    ),
]
"""`ebu`: EBU R 128; `acx`: Audible's requirements of audiobooks; a number: LUFS, with the peaks of EBU R 128."""
_EBU: Final = -23.0
"""LUFS."""
_ACX: Final = -20.5
"""dB: the middle of ACX's range of RMS, from -23 to -18."""
_PEAKS: Final = -1.0
"""dBTP of EBU R 128."""
_ACX_PEAKS: Final = -3.8
"""dBTP. ACX's limit is -3 dB, and MP3 adds some."""
_MOST_GAIN: Final = 40.0
"""dB: near silence is not blown up."""
_CLOSE: Final = 0.1
"""LU or dB from the target at which no further attempt is made."""
_ATTEMPTS: Final = 4


@dataclass(frozen=True, slots=True)
class Master:
    """A gain, and a limit of peaks if they would exceed it."""

    gain: float = 0.0
    """dB."""
    ceiling: float | None = None
    """dB below full scale; None: peaks are not touched."""

    @classmethod
    def of(cls, target: LoudnessTarget, pieces: Callable[[], Iterable[Waveform]]) -> "Master":
        """Returns what brings a recording to a target. Blocks, and reads the recording up to five times.

        Args:
            target: The target.
            pieces: Returns the recording, [samples] mono at 16 kHz.
        """
        goal = {"ebu": _EBU, "acx": _ACX}.get(target, target) if isinstance(target, str) else target
        peaks = _ACX_PEAKS if target == "acx" else _PEAKS

        def short(of: Loudness) -> float:
            return float(goal) - (of.rms if target == "acx" else of.integrated)

        before = Loudness.of(pieces())
        master = cls(min(short(before), _MOST_GAIN))
        if before.true_peak + master.gain <= peaks:
            return master
        # Limited peaks take loudness, and lie between the samples: both are only known afterwards.
        gain, ceiling = master.gain, peaks
        for _ in range(_ATTEMPTS):
            found = Loudness.of(cls(gain, ceiling).applied(pieces()))
            excess = max(found.true_peak - peaks, 0.0)
            if abs(short(found)) < _CLOSE and not excess:
                break
            gain, ceiling = min(gain + short(found), _MOST_GAIN), ceiling - excess
        return cls(gain, ceiling)

    def applied(self, pieces: Iterable[Waveform]) -> Iterator[Waveform]:
        """Yields a recording with this gain, as long as before."""
        chain = [("volume", f"{self.gain:.3f}dB:precision=float")]
        if self.ceiling is not None:
            # Without makeup gain, and without the delay of its look-ahead.
            chain.append(("alimiter", f"limit={10 ** (self.ceiling / 20):.6f}:level=false:latency=true"))
        filters = Filters(chain)
        for wav in pieces:
            yield filters.write(wav)
        yield filters.close()
