"""The least time that a step of the model can take: what it must read, over the memory's bandwidth."""

from dataclasses import dataclass

from deployments.xcodec2.protocol import HOP, SAMPLE_RATE
from scripts.bench.sizes import Size


@dataclass(frozen=True, slots=True)
class Floor:
    """Bandwidth's bound on decoding. Prompts and the codec are left out: the real time is longer."""

    weights: int
    """Bytes of weights that each step reads: layers and head, but of the embedding only a few rows."""
    kv_token: int
    """Bytes of cache that each token of the context has."""
    bandwidth: float
    """Bytes a second."""

    @classmethod
    def of(cls, size: Size, width: int, bandwidth: float) -> "Floor":
        """For weights and cache of `width` bytes a number, with the head that the engine keeps (codes and END)."""
        attention = 2 * size.hidden * size.head_dim * (size.heads + size.kv_heads)
        layer = attention + 3 * size.hidden * size.intermediate + 2 * size.hidden
        weights = size.layers * layer + size.hidden + (size.codec_size + 1) * size.hidden
        return cls(width * weights, width * 2 * size.layers * size.kv_heads * size.head_dim, bandwidth)

    def step_seconds(self, takes: int, context: float) -> float:
        """Of a step that gives each take a code, with `context` tokens in the cache of each on average."""
        return (self.weights + takes * context * self.kv_token) / self.bandwidth

    def audio_rate(self, takes: int, context: float) -> float:
        """Seconds of audio a second, all takes together."""
        return takes / self.step_seconds(takes, context) * HOP / SAMPLE_RATE
