"""Changes the speed of speech and keeps its pitch."""

from deployments.audio.filters import Filters


class Tempo(Filters):
    """Stretches speech while it is being generated, by FFmpeg's `atempo` (WSOLA).

    Args:
        speed: 0.25 to 4; 2 halves the duration.
    """

    def __init__(self, speed: float) -> None:
        # One filter reaches down to half speed only, and above twice the speed it drops samples.
        nearest = min(max(speed, 0.5), 2.0)
        factors = [nearest] if nearest == speed else [nearest, speed / nearest]
        super().__init__([("atempo", f"{factor:.6f}") for factor in factors])
