"""Changes the speed of speech and keeps its pitch."""

import numpy as np

from deployments.xcodec2.protocol import SAMPLE_RATE, Waveform


class Tempo:
    """Stretches speech while it is being generated, by FFmpeg's `atempo` (WSOLA). Its calls block.

    Args:
        speed: 0.25 to 4; 2 halves the duration.
    """

    def __init__(self, speed: float) -> None:
        import av

        graph = av.filter.Graph()
        source = graph.add_abuffer(format="flt", sample_rate=SAMPLE_RATE, layout="mono")
        # One filter reaches down to half speed only, and above twice the speed it drops samples.
        nearest = min(max(speed, 0.5), 2.0)
        factors = [nearest] if nearest == speed else [nearest, speed / nearest]
        chain = [source, *(graph.add("atempo", f"{factor:.6f}") for factor in factors), graph.add("abuffersink")]
        graph.link_nodes(*chain).configure()
        self._graph = graph
        self._taken = 0

    def write(self, wav: Waveform) -> Waveform:
        """Takes [samples] at 16 kHz; returns those that are final, often none."""
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
