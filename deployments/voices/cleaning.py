"""Cleans a clip for use as a reference, and reports its problems."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from deployments.audio.loudness import QUIET, frame_levels, loudness, scaled
from deployments.xcodec2.protocol import HOP, SAMPLE_RATE, Waveform

Stretch = tuple[int, int]
"""Samples at which a stretch of speech begins and ends."""
VoiceDetector = Callable[[Waveform], list[Stretch]]

SHORTEST: Final = 3.0
"""Seconds: shorter references capture little of a voice."""
_EDGE: Final = 0.1
"""Seconds kept around the speech."""
_LOUDNESS: Final = 0.1
"""Target RMS (-20 dBFS) of the speech."""
_MOST_GAIN: Final = 10.0
_CLIPPED: Final = 0.985
_MOST_CLIPPED: Final = 0.001
"""Fraction of samples at full scale above which a clip counts as clipped."""
_LEAST_SNR: Final = 15.0
"""Minimum dB between the speech and the sound in its pauses."""
_LONGEST_GAP: Final = 1.5
_TRUSTED: Final = 0.5
"""Fraction of the sound that must lie between the first and the last speech."""
_SOUNDS: Final = 0.25
"""Fraction of the speech's level (-12 dB): softer sound, such as noise and hum, is not counted."""


@dataclass(frozen=True, slots=True)
class CleanClip:
    """[samples] trimmed and at a steady loudness, and the remaining problems."""

    wav: Waveform
    warnings: tuple[str, ...] = ()


def find_speech(wav: Waveform) -> list[Stretch]:
    """Runs Silero's voice activity detector, which ships with faster-whisper. Blocks."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    found = get_speech_timestamps(wav, VadOptions(min_silence_duration_ms=300, speech_pad_ms=0))
    return [(stretch["start"], stretch["end"]) for stretch in found]


def clean(wav: Waveform, detect: VoiceDetector = find_speech) -> CleanClip:
    """Trims the silence around the speech and normalises its loudness. Blocks: call it in a thread.

    Args:
        wav: [samples] mono at 16 kHz.
        detect: Finds speech. If there is hardly any, the clip stays whole and a warning says so.
    """
    warnings: list[str] = []
    clipped = float(np.mean(np.abs(wav) >= _CLIPPED))
    if clipped > _MOST_CLIPPED:
        warnings.append(f"The reference is clipped ({100 * clipped:.1f} % of its samples): record it less loud.")
    wav = wav - wav.mean(dtype=np.float32) if len(wav) else wav
    stretches = detect(wav)
    if _holds_most(wav, stretches):
        warnings += _about(wav, stretches)
        edge = round(_EDGE * SAMPLE_RATE)
        wav = wav[max(stretches[0][0] - edge, 0) : stretches[-1][1] + edge]
    else:
        warnings.append("Little or no speech is found in the reference.")
    gain = _LOUDNESS / max(loudness(wav), 1e-6)
    return CleanClip(scaled(wav, min(max(gain, 1 / _MOST_GAIN), _MOST_GAIN)), tuple(warnings))


def _holds_most(wav: Waveform, stretches: list[Stretch]) -> bool:
    # A detector that rejects most of the sound must not decide what to cut.
    if not stretches:
        return False
    speech = loudness(np.concatenate([wav[start:end] for start, end in stretches]))
    loud = np.flatnonzero(frame_levels(wav) > max(QUIET, _SOUNDS * speech)) * HOP
    if not len(loud):
        return True
    within = (loud >= stretches[0][0] - HOP) & (loud <= stretches[-1][1])
    return float(within.mean()) > _TRUSTED


def _about(wav: Waveform, stretches: list[Stretch]) -> list[str]:
    warnings = []
    spoken = sum(end - start for start, end in stretches) / SAMPLE_RATE
    if spoken < SHORTEST:
        warnings.append(f"The reference holds {spoken:.1f} s of speech: {SHORTEST:g} s and more give a truer voice.")
    gaps = [(after[0] - before[1]) / SAMPLE_RATE for before, after in pairwise(stretches)]
    if gaps and max(gaps) > _LONGEST_GAP:
        warnings.append(f"The reference is silent for {max(gaps):.1f} s in between: the speech may be, too.")
    during = np.zeros(len(wav), bool)
    for start, end in stretches:
        during[start:end] = True
    levels = frame_levels(wav)
    frames = during[: len(levels) * HOP].reshape(-1, HOP).mean(axis=1)
    pauses, speech = levels[frames == 0], levels[frames == 1]
    if len(pauses) >= 5 and len(speech):
        ratio = 20 * np.log10(max(float(np.median(speech)), 1e-6) / max(float(np.median(pauses)), 1e-6))
        if ratio < _LEAST_SNR:
            warnings.append(
                f"The reference is noisy (speech {ratio:.0f} dB above its pauses): the speech will be, too."
            )
    return warnings
