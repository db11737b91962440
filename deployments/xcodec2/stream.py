"""Decodes codes to sound while they are still arriving, without seams."""

from typing import Final

import numpy as np

from deployments.xcodec2.protocol import HOP, Codec, Codes, Waveform

HOLDBACK: Final = 14
"""Codes (0.28 s) at the end of a rendition that later codes may still change: the decoder's convolutions reach 13 codes
to each side, and one more is crossfaded."""
FIRST: Final = 10
"""Codes (0.2 s) of the first piece: sound starts when FIRST + HOLDBACK codes have arrived, and lasts until the next
piece if codes come twice as fast as they are spoken."""
STEP: Final = 240
"""Codes (4.8 s) of later pieces; the pieces double from FIRST up to this."""
CONTEXT: Final = 150
"""Codes (3 s) before the new ones that are decoded again: of the reference, then of earlier output. With untrained
weights, which attend to everything alike, 50 deviate twice as much from decoding everything, 400 half as much."""
FADE: Final = HOP
"""Samples (20 ms) of the crossfade between two renditions."""


class StreamDecoder:
    """Decodes one take as it grows.

    Each step decodes the recent past and the new codes together and returns all but the last HOLDBACK codes. Two
    renditions of the same samples differ a little, so they are crossfaded over FADE samples with gains that sum to one.
    No step decodes more than CONTEXT + STEP + HOLDBACK codes.

    With untrained weights the result lies within 10 % (RMS) of decoding all codes at once.

    Pushes of one take must not overlap; different takes may share the codec.

    Args:
        codec: Decodes the codes.
        context: [n] codes of the reference; may be empty.
    """

    def __init__(self, codec: Codec, context: Codes) -> None:
        self._codec = codec
        self._codes = np.asarray(context[-CONTEXT:], np.int32)
        self._start = len(self._codes)  # of the audio not returned yet
        self._window = FIRST
        self._tail = np.zeros(0, np.float32)  # its last rendition

    async def push(self, codes: Codes) -> Waveform:
        """Takes the next codes; returns the samples that are final, often none.

        The pieces end at the same codes however the pushes are cut, so the same codes give the same bytes.

        Raises:
            InvalidInput: the checkpoint does not have one of the codes.
            Unavailable: the codec is closed.
        """
        self._codes = np.concatenate([self._codes, np.asarray(codes, np.int32)])
        pieces = [np.zeros(0, np.float32)]
        while len(self._codes) >= (end := self._start + self._window + HOLDBACK):
            self._window = min(2 * self._window, STEP)
            pieces.append(self._give(await self._render(end), HOLDBACK))
        return np.concatenate(pieces)

    async def finish(self) -> Waveform:
        """Returns the rest: HOP samples for each pushed code in total. Raises the errors of `push`."""
        if len(self._codes) - self._start == len(self._tail) // HOP:
            return self._give(self._tail, 0)
        return self._give(await self._render(len(self._codes)), 0)

    async def _render(self, end: int) -> Waveform:
        # [samples] from the first code not returned to `end`, joined to the previous output.
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
