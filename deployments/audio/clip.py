"""Requirements for reference clips and for recordings to transcribe."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import IO, Final

import numpy as np

from deployments.audio.blocks import LONGEST_BLOCK, blocks
from deployments.audio.decoder import Decoder
from deployments.audio.decoding import Decoding
from deployments.audio.reading import SILENCE, Findings
from deployments.errors import InvalidAudio
from deployments.settings import Settings
from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform

_MISSING: Final = 0.1
"""Fraction of its declared length that a file may lack before it counts as truncated."""
_SHORTEST: Final = 0.1
"""Minimum seconds of a recording to transcribe."""


@dataclass(frozen=True, slots=True)
class ReferenceClip:
    """A decoded reference clip."""

    wav: Waveform
    """[samples] mono at 16 kHz, full scale ±1."""
    warnings: tuple[str, ...] = ()
    """Problems of its file, in readable sentences."""


class AudioReader:
    """Reads uploaded audio.

    Args:
        decoder: Decodes the files.
        settings: Limit their duration.
    """

    def __init__(self, decoder: Decoder, settings: Settings) -> None:
        self._decoder = decoder
        self._settings = settings

    async def clip(self, file: IO[bytes] | bytes, param: str) -> ReferenceClip:
        """Reads a reference clip as a whole. `param` names the request's field, for errors.

        Raises:
            InvalidAudio: the clip cannot be decoded, or is truncated, silent, too short or too long.
        """
        shortest, longest = self._settings.min_audio_duration, self._settings.max_audio_duration
        async with self._decoding(file, longest, param) as decoding, aclosing(decoding.pieces()) as decoded:
            wav = np.concatenate([piece async for piece in decoded])
        seconds = len(wav) / SAMPLE_RATE
        findings = decoding.findings
        if _is_cut_off(findings, seconds):
            raise InvalidAudio(
                f"The file is cut off: it should last {findings.declared:.2f} s and holds {seconds:.2f} s.", param
            )
        if seconds < shortest:
            raise InvalidAudio(f"The clip lasts {seconds:.2f} s: at least {shortest:g} s are needed.", param)
        if np.abs(wav).max() < SILENCE:
            raise InvalidAudio("The clip is silent.", param)
        return ReferenceClip(_within_scale(wav), _warnings(findings, seconds))

    @asynccontextmanager
    async def recording(
        self, file: IO[bytes] | bytes, param: str, longest: float | None = None
    ) -> AsyncIterator["Recording"]:
        """Opens a recording to transcribe, decoded as it is consumed.

        Args:
            file: The file.
            param: Name of the request's field, for errors.
            longest: Seconds; None: MAX_TRANSCRIPTION_DURATION.
        """
        longest = longest or self._settings.max_transcription_duration
        async with self._decoding(file, longest, param) as decoding:
            yield Recording(decoding, param)

    @asynccontextmanager
    async def _decoding(self, file: IO[bytes] | bytes, longest: float, param: str) -> AsyncIterator[Decoding]:
        decoding = await asyncio.to_thread(Decoding.of, self._decoder, file, longest, param)
        try:
            yield decoding
        finally:
            decoding.close()


class Recording:
    """A recording that is consumed once, from beginning to end.

    Args:
        decoding: Decodes its file.
        param: Name of the request's field, for errors.
    """

    def __init__(self, decoding: Decoding, param: str) -> None:
        self._decoding = decoding
        self._param = param

    @property
    def warnings(self) -> tuple[str, ...]:
        """Problems of its file; complete once the whole recording has been read."""
        return _warnings(self._decoding.findings, self._decoding.samples / SAMPLE_RATE)

    async def blocks(self, seconds: int = LONGEST_BLOCK) -> AsyncGenerator[Waveform, None]:
        """Yields [samples] mono at 16 kHz, at most so many seconds at a time, cut at quiet places.

        Raises:
            InvalidAudio: the recording cannot be decoded, or is too short or too long.
        """
        async with aclosing(self._decoding.pieces()) as pieces, aclosing(blocks(pieces, seconds)) as found:
            async for block in found:
                if self._decoding.samples < _SHORTEST * SAMPLE_RATE:
                    raise InvalidAudio(f"The recording lasts less than {_SHORTEST:g} s.", self._param)
                yield _within_scale(block)


def _is_cut_off(findings: Findings, seconds: float) -> bool:
    return findings.declared is not None and seconds < findings.declared * (1 - _MISSING) - 0.1


def _warnings(findings: Findings, seconds: float) -> tuple[str, ...]:
    warnings = []
    if findings.damaged:
        warnings.append(f"Damaged packets of the file were left out: {findings.damaged} of {findings.packets}.")
    if findings.broken_off:
        warnings.append(f"The file is damaged after {seconds:.2f} s: what follows cannot be read.")
    elif _is_cut_off(findings, seconds):
        warnings.append(f"The file should last {findings.declared:.2f} s and holds {seconds:.2f} s: it may be cut off.")
    return tuple(warnings)


def _within_scale(wav: Waveform) -> Waveform:
    # Floating-point files may exceed full scale. Clipping would make them sound harsh.
    peak = np.abs(wav).max(initial=1)
    return wav / peak if peak > 1 else wav
