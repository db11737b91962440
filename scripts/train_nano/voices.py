"""The voices that a code can have: a pitch, where in its period it stands, and a throat; and espeak's voices.

The decoder is blind to time: a code sounds the same every 20 ms. Were there pitches alone, they could only be multiples
of 50 Hz. A code therefore also tells in which third of a period it begins, and pitches are multiples of 16.7 Hz.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from .espeak import Audio, Voice

GRID: Final = 50 / 3
"""Hz."""
LOWEST, PITCHES, PHASES = 5, 12, 3
"""The lowest pitch in steps of the grid, and how many there are: 83 to 267 Hz."""
THROATS: Final = (0.89, 1.03, 1.18)
"""How far the formants are moved: a man's, a woman's and a child's; a shorter throat is above 1."""
VOICES: Final = PITCHES * PHASES * len(THROATS)
_NEIGHBOURS: Final = np.array([p if p // 4 % 2 == 0 else 4 * (p // 4) + 3 - p % 4 for p in range(PITCHES)])
"""Pitches in two digits of the codec, such that a step changes one digit by one."""


def voice(pitch: int, phase: int = 1, throat: int = 0) -> int:
    """Of a code: the pitch counts from 0."""
    return int(_NEIGHBOURS[pitch]) + PITCHES * (phase + PHASES * throat)


def pitches_of(voices: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.asarray(np.argsort(_NEIGHBOURS)[voices % PITCHES])


def phases_of(voices: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.asarray(voices // PITCHES % PHASES)


def throats_of(voices: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.asarray(voices // (PITCHES * PHASES))


def voices_of(
    pitches: npt.NDArray[np.int64], phases: npt.NDArray[np.int64], throats: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    return np.asarray(_NEIGHBOURS[pitches] + PITCHES * (phases + PHASES * throats))


def nearest_pitches(hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    return np.asarray((np.rint(hertz / GRID).astype(np.int64) - LOWEST).clip(0, PITCHES - 1))


def nearest_throat(warp: float) -> int:
    return int(np.argmin(np.abs(np.log(np.array(THROATS) / warp))))


def running(pitches: npt.NDArray[np.int64], phase: int | npt.NDArray[np.int64] = 0) -> npt.NDArray[np.int64]:
    """The phase of every code, so that each goes on where the one before it ends.

    Args:
        pitches: [..., codes].
        phase: Of the one before the first.
    """
    return np.asarray((phase + np.cumsum(pitches + LOWEST, -1)) % PHASES)


def hertz(pitches: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return np.asarray((pitches + LOWEST) * GRID)


# variants that speak the same dialect; the second of a row is what its throat is taken for
TRAINED: Final[dict[str, int]] = {
    "": 0, "m1": 0, "m2": 0, "m3": 0, "m5": 0, "m7": 0, "max": 0, "paul": 0, "rob": 0, "ed": 0, "edward": 0, "john": 0,
    "lee": 0, "mike": 0, "boris": 0, "Hugo": 0, "gene": 0, "benjamin": 0, "klatt": 0, "klatt2": 0, "victor": 0, "norbert": 0,
    "f1": 1, "f2": 1, "f3": 1, "f5": 1, "steph": 1, "linda": 1, "Annie": 1, "andrea": 1, "belinda": 1, "shelby": 1,
}  # fmt: skip
HELD_OUT: Final[dict[str, int]] = {
    "m4": 0, "m6": 0, "m8": 0, "quincy": 0, "michael": 0, "robert": 0, "travis": 0, "f4": 1, "alicia": 1, "aunty": 1,
}  # fmt: skip


def designed(count: int) -> dict[str, tuple[int, str]]:
    """Variants at random, far beyond what people have: the throat that each is taken for, and its file.

    espeak's own variants differ little but for a few, and a listener that has heard little is lost with those.
    """
    r = np.random.default_rng(11)
    found = {}
    for i in range(count):
        throat = float(r.choice((0.88, 0.96, 1.04, 1.14, 1.26)) * r.uniform(0.96, 1.04))
        odd = r.random() < 0.35
        base = round(70 + 100 * (throat - 0.85) + r.uniform(0, 30))
        lines = [
            "language variant", f"name x{i}", f"gender {'male' if throat < 1.08 else 'female'}",
            f"pitch {base} {round(base * r.uniform(1.2, 1.7))}",
        ]  # fmt: skip
        for formant in range(9):
            shift, add = throat * r.uniform(0.93, 1.07), 0
            if odd and formant in {1, 2, 3} and r.random() < 0.6:
                shift = throat * r.uniform(0.5 if formant == 1 else 0.8, 1.2)
                add = round(r.uniform(0, 110 if formant == 1 else 60))
            height, width = (
                (r.uniform(50, 130), r.uniform(60, 180)) if odd or formant > 3 else (r.uniform(75, 115), 100)
            )
            lines.append(f"formant {formant} {round(100 * shift)} {round(height)} {round(width)} {add}")
        lines += [
            f"flutter {r.integers(0, 6)}", f"roughness {r.integers(0, 4)}", f"voicing {r.integers(85, 180)}",
            f"consonants {r.integers(70, 170)} {r.integers(70, 190)}",
        ]  # fmt: skip
        if r.random() < 0.5:
            tone = " ".join(f"{f} {r.integers(40, 255)}" for f in (600, 1200, 2000, 3500)[: r.integers(2, 5)])
            lines.append(f"tone {tone}")
        found[f"x{i}"] = (0 if throat < 1.07 else 1 if throat < 1.2 else 2, "\n".join(lines) + "\n")
    return found


def pitch_of(audio: Audio) -> float:
    """Median F0 in Hz by autocorrelation over the voiced windows, nan where nothing is voiced."""
    size, step = 1024, 320
    window = np.hanning(size)
    own = np.fft.irfft(np.abs(np.fft.rfft(window, 4 * size)) ** 2)[:size]
    found: list[float] = []
    for start in range(0, len(audio) - size, step):
        piece = audio[start : start + size]
        if np.sqrt((piece**2).mean()) < 0.015:
            continue
        auto = np.fft.irfft(np.abs(np.fft.rfft(piece * window, 4 * size)) ** 2)[:size]
        auto = auto / auto[0] / (own / own[0] + 1e-3)
        low = 16000 // 420
        span = auto[low : 16000 // 60]
        if span.max() < 0.5:
            continue
        peaks = (
            np.flatnonzero((span[1:-1] > span[:-2]) & (span[1:-1] >= span[2:]) & (span[1:-1] > 0.85 * span.max())) + 1
        )
        if len(peaks):
            found.append(16000 / (low + peaks[0]))
    return float(np.median(found)) if len(found) > 3 else float("nan")


def spread(variants: dict[str, int], pitches: tuple[int, ...] = (10, 25, 40, 55, 70, 85)) -> list[Voice]:
    return [Voice(variant, pitch) for variant in variants for pitch in pitches]
