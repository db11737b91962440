"""The minimum duration of a model's step: the bytes that it must read, over the memory bandwidth."""

from dataclasses import dataclass

from deployments.xcodec2.protocol import HOP, SAMPLE_RATE
from scripts.bench.sizes import Size


@dataclass(frozen=True, slots=True)
class Floor:
    """The bandwidth's limit on decoding. Excludes prompts and the codec: the real duration is longer."""

    weights: int
    """Bytes of weights read by each step: layers and head, but only a few rows of the embedding."""
    kv_token: int
    """Bytes of cache per token of the context."""
    bandwidth: float
    """Bytes a second."""

    @classmethod
    def of(cls, size: Size, width: int, bandwidth: float) -> "Floor":
        """Computes the limit for `width` bytes per number, with the engine's head (codes and END)."""
        attention = 2 * size.hidden * size.head_dim * (size.heads + size.kv_heads)
        layer = attention + 3 * size.hidden * size.intermediate + 2 * size.hidden
        weights = size.layers * layer + size.hidden + (size.codec_size + 1) * size.hidden
        return cls(width * weights, width * 2 * size.layers * size.kv_heads * size.head_dim, bandwidth)

    def step_seconds(self, takes: int, context: float) -> float:
        """Returns the seconds of a step that gives each take a code, with an average of `context` cached tokens."""
        return (self.weights + takes * context * self.kv_token) / self.bandwidth

    def audio_rate(self, takes: int, context: float) -> float:
        """Returns the seconds of audio per second, over all takes."""
        return takes / self.step_seconds(takes, context) * HOP / SAMPLE_RATE
