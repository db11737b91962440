"""Runs speech through filters of FFmpeg."""

from collections.abc import Sequence

import numpy as np

from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform


class Filters:
    """A chain of filters for [samples] at 16 kHz. Its calls block.

    Args:
        chain: Name and arguments of each filter.
    """

    def __init__(self, chain: Sequence[tuple[str, str]]) -> None:
        import av

        graph = av.filter.Graph()
        source = graph.add_abuffer(format="flt", sample_rate=SAMPLE_RATE, layout="mono")
        ends = graph.add("aformat", "sample_fmts=flt"), graph.add("abuffersink")
        graph.link_nodes(source, *(graph.add(*each) for each in chain), *ends).configure()
        self._graph = graph
        self._taken = 0

    def write(self, wav: Waveform) -> Waveform:
        """Takes [samples]; returns those that are final, often none."""
        import av

        if len(wav):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(wav, np.float32)[None], format="flt", layout="mono")
            frame.sample_rate = SAMPLE_RATE
            frame.pts = self._taken
            self._taken += len(wav)
            self._graph.push(frame)
        return self._pulled()

    def close(self) -> Waveform:
        """Returns the remaining samples."""
        if not self._taken:
            return np.zeros(0, np.float32)
        self._graph.push(None)
        return self._pulled()

    def _pulled(self) -> Waveform:
        import av

        parts = [np.zeros(0, np.float32)]
        while True:
            try:
                frame = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return np.concatenate(parts)
            parts.append(frame.to_ndarray().reshape(-1))
