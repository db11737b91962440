"""A clip as it came, made fit to be a reference, and what is wrong with it."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from deployments.audio.loudness import QUIET, frame_levels, loudness, scaled
from deployments.xcodec2.protocol import HOP, SAMPLE_RATE, Waveform

Stretch = tuple[int, int]
"""Samples from and to which somebody speaks."""
VoiceDetector = Callable[[Waveform], list[Stretch]]

SHORTEST: Final = 3.0
"""Seconds: references below this carry little of a voice."""
_EDGE: Final = 0.1
"""Seconds left around the speech."""
_LOUDNESS: Final = 0.1
"""RMS (-20 dBFS) of the speech, to which clips are brought."""
_MOST_GAIN: Final = 10.0
_CLIPPED: Final = 0.985
_MOST_CLIPPED: Final = 0.001
"""Part of the samples at full scale above which a clip counts as clipped."""
_LEAST_SNR: Final = 15.0
"""dB between the speech and what is heard in its pauses."""
_LONGEST_GAP: Final = 1.5
_TRUSTED: Final = 0.5
"""Part of what sounds that must lie between the first and the last speech."""
_SOUNDS: Final = 0.25
"""Of the speech's level (-12 dB): what is softer, as noise and hum, is not counted."""


@dataclass(frozen=True, slots=True)
class CleanClip:
    """[samples] trimmed and at a steady loudness, and what is wrong with it all the same."""

    wav: Waveform
    warnings: tuple[str, ...] = ()


def find_speech(wav: Waveform) -> list[Stretch]:
    """Silero's voice activity detector, as it ships with faster-whisper. Blocks."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    found = get_speech_timestamps(wav, VadOptions(min_silence_duration_ms=300, speech_pad_ms=0))
    return [(stretch["start"], stretch["end"]) for stretch in found]


def clean(wav: Waveform, detect: VoiceDetector = find_speech) -> CleanClip:
    """Cuts the silence around the speech and sets its loudness. Blocks: call it in a thread.

    Args:
        wav: [samples] mono at 16 kHz.
        detect: Says where somebody speaks. Where hardly anybody does, the clip stays whole and a warning says so.
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
    # A detector that takes most of what sounds for something else is not to be trusted with the scissors.
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
