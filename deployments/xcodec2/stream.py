"""Codes to sound while the codes are still coming, without seams."""

from typing import Final

import numpy as np

from deployments.xcodec2.protocol import HOP, Codec, Codes, Waveform

HOLDBACK: Final = 20
"""Codes (0.4 s) at the end of a rendition that later codes may still change: the decoder's convolutions reach
13 codes to each side."""
FIRST: Final = 15
"""Codes (0.3 s) that the first piece gives out: sound starts when FIRST + HOLDBACK codes are there."""
STEP: Final = 240
"""Codes (4.8 s) that later pieces give out; the pieces double from FIRST up to this."""
CONTEXT: Final = 150
"""Codes (3 s) before the new ones that are decoded along: of the reference, then of what was already given out. With
untrained weights, which listen to everything alike, 50 stray twice as far from decoding everything, 400 half as far."""
FADE: Final = HOP
"""Samples (20 ms) over which one rendition passes into the next."""


class StreamDecoder:
    """Decodes one take as it grows.

    Each step decodes the recent past and the new codes together and gives out all but the last HOLDBACK codes. Two
    renditions of the same samples differ a little, so they are crossfaded over FADE samples with gains that sum to
    one. No step decodes more than CONTEXT + step + HOLDBACK codes.

    With untrained weights the result lies within 10 % (RMS) of decoding all codes at once.

    Pushes of one take follow each other; different takes may share the codec.

    Args:
        codec: Decodes.
        context: [n] codes of the reference; may be empty.
        first: Codes in the first piece.
        step: Codes in later pieces.
    """

    def __init__(self, codec: Codec, context: Codes, *, first: int = FIRST, step: int = STEP) -> None:
        if not 1 <= first <= step:
            raise ValueError("a stream needs 1 <= first <= step")
        self._codec = codec
        self._codes = np.asarray(context[-CONTEXT:], np.int32)
        self._start = len(self._codes)  # of what is not given out yet
        self._window = first
        self._step = step
        self._tail = np.zeros(0, np.float32)  # its last rendition

    async def push(self, codes: Codes) -> Waveform:
        """Takes the next codes; gives the samples that are final, often none.

        The pieces end at the same codes however the pushes are cut, so the same codes give the same bytes.

        Raises:
            InvalidInput: a code is not one of the checkpoint.
            Unavailable: the codec is closed.
        """
        self._codes = np.concatenate([self._codes, np.asarray(codes, np.int32)])
        pieces = [np.zeros(0, np.float32)]
        while len(self._codes) >= (end := self._start + self._window + HOLDBACK):
            self._window = min(2 * self._window, self._step)
            pieces.append(self._give(await self._render(end), HOLDBACK))
        return np.concatenate(pieces)

    async def finish(self) -> Waveform:
        """Gives the rest: with it, HOP samples for each code pushed are out. Errors as of `push`."""
        if len(self._codes) - self._start == len(self._tail) // HOP:
            return self._give(self._tail, 0)
        return self._give(await self._render(len(self._codes)), 0)

    async def _render(self, end: int) -> Waveform:
        # [samples] from the first code not given out to `end`, joined to what was given out.
        past = min(self._start, CONTEXT)
        wav = await self._codec.decode(self._codes[self._start - past : end], start=past)
        fade = min(FADE, len(self._tail))
        rising = (np.arange(fade, dtype=np.float32) + 1) / (fade + 1)
        joined = wav.copy()
        joined[:fade] = self._tail[:fade] * (1 - rising) + wav[:fade] * rising
        return joined

    def _give(self, wav: Waveform, holdback: int) -> Waveform:
        count = len(wav) // HOP - holdback
        self._start += count
        self._tail = wav[count * HOP :]
        return wav[: count * HOP]
