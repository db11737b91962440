"""Mixes frames of any rate, sample width and number of channels to mono at 16 kHz."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform

if TYPE_CHECKING:
    from av import AudioFrame

_CANCELLED: Final = 0.01
"""Energy of the mix relative to a channel (-20 dB) below which the channels cancel each other."""
_GATHERED: Final = SAMPLE_RATE // 4
"""Samples mixed at once, to save overhead on short frames."""
_MEMORY: Final = 0.5
"""Seconds over which energies are averaged."""


class Mixer:
    """Mixes frames of one format.

    Args:
        frame: Has the format.
    """

    def __init__(self, frame: "AudioFrame") -> None:
        from av import AudioResampler

        self.format = format_of(frame)
        # Packed: PyAV counts planes up to a null pointer, which planar frames of 8 or more channels lack.
        self._resampler = AudioResampler(format="flt", rate=SAMPLE_RATE, frame_size=_GATHERED)
        self._channels: int = frame.layout.nb_channels
        self._weights = _weights(frame)
        self._energies = np.zeros(self._channels + 1)

    def mix(self, frame: "AudioFrame | None") -> list[Waveform]:
        """Takes a frame, or None at the end; returns pieces of [samples] mono at 16 kHz."""
        return [self._mixed(resampled.to_ndarray()[0]) for resampled in self._resampler.resample(frame)]

    def _mixed(self, packed: NDArray[np.float32]) -> Waveform:
        if self._channels == 1:
            return packed
        channels = packed.reshape(-1, self._channels)
        mix: Waveform = channels @ self._weights
        self._measure(channels, mix)
        loudest = int(self._energies[:-1].argmax())
        if self._energies[-1] < _CANCELLED * self._energies[loudest]:
            return np.ascontiguousarray(channels[:, loudest])
        return mix

    def _measure(self, channels: NDArray[np.float32], mix: Waveform) -> None:
        kept = np.exp(-len(mix) / (_MEMORY * SAMPLE_RATE))
        energies = [*np.einsum("ij,ij->j", channels, channels), np.dot(mix, mix)]
        self._energies = kept * self._energies + energies


def format_of(frame: "AudioFrame") -> tuple[str, str, int]:
    """Returns sample format, channel layout, and rate in Hz. They may change in the middle of a file."""
    return frame.format.name, frame.layout.name, frame.sample_rate


def _weights(frame: "AudioFrame") -> NDArray[np.float32]:
    """Returns the weight of each channel in FFmpeg's own mix to mono, which depends on its loudspeaker's position.

    FFmpeg mixes a probe: its i-th sample is 1 in the i-th channel only.
    """
    import av

    layout, channels = frame.layout.name, frame.layout.nb_channels
    if channels == 1:
        return np.ones(1, np.float32)
    try:
        probe = av.AudioFrame.from_ndarray(np.eye(channels, dtype=np.float32).reshape(1, -1), "flt", layout)
        probe.sample_rate = SAMPLE_RATE
        # Weights that add up to 1, so that nothing is clipped, as in FFmpeg's tool for integer samples.
        resampler: Any = av.AudioResampler(format="flt", layout="mono", options={"rematrix_maxval": "1.0"})
        mixed = [part.to_ndarray()[0] for part in [*resampler.resample(probe), *resampler.resample(None)]]
        weights: NDArray[np.float32] = np.concatenate(mixed)
    except (av.error.FFmpegError, ValueError):
        weights = np.zeros(0, np.float32)
    if len(weights) != channels or not weights.any():
        # FFmpeg does not know the positions of these loudspeakers.
        weights = np.full(channels, 1 / channels, np.float32)
    return weights
