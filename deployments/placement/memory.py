"""Estimates what fits on a GPU: bytes of the models, and the takes that fit beside them. Pure arithmetic."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from deployments.errors import Unavailable
from deployments.profiles import WeightType

_GIB: Final = 2**30
_BFLOAT16: Final = 2
_SCALE: Final = 4
CONTEXT_BYTES: Final = _GIB // 2
"""Memory of CUDA itself with its kernels, in each process: about this on current GPUs."""
CODEC_SIZE: Final = 65_536
WINDOW: Final = 2048
"""Tokens of the longest take, text and speech together."""
PREFILL: Final = 512
"""Prompt tokens that Llasa's engine computes at once on a GPU."""
_LLASA_FIXED: Final = _GIB // 2
"""Nodes of the captured CUDA graphs, and cuBLAS's work space."""
_SMALL_WORK: Final = _GIB // 2
"""What layers with 8-bit weights take besides, as measured on an H200: work space, and gaps from rounding weights."""
_LOGIT_WORK: Final = 64
"""Bytes for each logit of a step: float32 logits in several versions, and the noise with its int64 hashes."""
_HEAD_MULTIPLE: Final = 64
_XCODEC2_WEIGHTS: Final = 2_600_000_000
"""629 million parameters in float32, with buffers: half precision breaks its Fourier transforms."""
_XCODEC2_WORK: Final = _GIB * 7 // 4
"""Activations of a batch of 8 clips of 40 s."""
XCODEC2_BYTES: Final = _XCODEC2_WEIGHTS + _XCODEC2_WORK + CONTEXT_BYTES
"""Peak memory of an XCodec2 replica."""


@dataclass(frozen=True, slots=True)
class LlamaShape:
    """The sizes that determine a Llama's memory."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int
    weights: WeightType = "auto"

    @classmethod
    def of(cls, config: Mapping[str, Any], weights: WeightType = "auto") -> Self:
        """Reads them from the contents of a checkpoint's config.json.

        Raises:
            Unavailable: the file does not describe a Llama.
        """
        try:
            heads = config["num_attention_heads"]
            return cls(
                hidden=config["hidden_size"],
                intermediate=config["intermediate_size"],
                layers=config["num_hidden_layers"],
                heads=heads,
                kv_heads=config.get("num_key_value_heads") or heads,
                head_size=config.get("head_dim") or config["hidden_size"] // heads,
                vocabulary=config["vocab_size"],
                weights=weights,
            )
        except KeyError as error:
            raise Unavailable(f"The config.json of this checkpoint is not a Llama's: it lacks {error}.") from error

    def model(self, codec_size: int = CODEC_SIZE) -> int:
        """Returns the bytes of the weights as `deployments.llasa.checkpoint` loads them to a GPU: the head has only
        codes and END."""
        heads = self.head_size * (self.heads + self.kv_heads)
        head = head_rows(codec_size + 1)
        matrices = self.layers * self.hidden * (2 * heads + 3 * self.intermediate) + self.hidden * head
        others = self.hidden * (self.vocabulary + 2 * self.layers + 1)
        if self.weights == "auto":
            return _BFLOAT16 * (matrices + others)
        outputs = self.layers * (heads + self.head_size * self.kv_heads + 2 * (self.hidden + self.intermediate)) + head
        return matrices + _SCALE * outputs + _BFLOAT16 * others

    def token(self) -> int:
        """Returns the bytes of keys and values of a token."""
        return 2 * self.layers * self.kv_heads * self.head_size * _BFLOAT16

    def take(self) -> int:
        """Returns the bytes of keys and values of the longest take."""
        return WINDOW * self.token()

    def work(self, takes: int, codec_size: int = CODEC_SIZE) -> int:
        """Returns the bytes that the engine needs beside weights, keys and values: an estimate, rather too much."""
        attention = self.heads * WINDOW * 4  # scores, where no kernel fuses them
        activations = _BFLOAT16 * (4 * self.intermediate + 8 * self.hidden)
        if self.weights == "int8":
            activations += 16 * self.intermediate  # sums of gate and up, in int32 and float32
        fixed = _LLASA_FIXED if self.weights == "auto" else _LLASA_FIXED + _SMALL_WORK
        return fixed + PREFILL * (attention + activations) + takes * head_rows(codec_size + 1) * _LOGIT_WORK

    def replica(self, takes: int, codec_size: int = CODEC_SIZE) -> int:
        """Returns the peak bytes of a Llasa replica."""
        return self.model(codec_size) + takes * self.take() + self.work(takes, codec_size) + CONTEXT_BYTES


def head_rows(sampled: int) -> int:
    """Returns the rows of a head for codes and END, padded: matrix multiplications dislike 65 537."""
    return -(-sampled // _HEAD_MULTIPLE) * _HEAD_MULTIPLE


SHAPES: Final = {
    "llasa-8b": LlamaShape(4096, 14_336, 32, 32, 8, 128, 193_800),
    "llasa-3b": LlamaShape(3072, 8192, 28, 24, 8, 128, 193_800),
    "llasa-1b": LlamaShape(2048, 8192, 16, 32, 8, 64, 193_800),
}
"""Shapes of the published checkpoints, by profile, the largest first."""


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """How Llasa's engine shares a GPU, in bytes."""

    usable: int
    """What this service can use, including XCodec2's part: see `placement.choice.usable`."""
    weights: int
    takes: int
    """Takes in one batch, at least 1."""
    take: int
    """Keys and values of a take."""
    work: int
    """Activations, captured graphs, and CUDA itself."""
    beside: int
    """What XCodec2 needs on the same GPU, or 0."""

    @classmethod
    def fit(cls, usable: int, shape: LlamaShape, wanted: int, name: str, *, shared: bool) -> Self:
        """Plans as many takes as fit.

        Args:
            usable: Bytes of the GPU that this service can use.
            shape: Shape of the checkpoint.
            wanted: Maximum takes, from the profile.
            name: Name of the profile or checkpoint, for the message.
            shared: Whether XCodec2 must fit on the same GPU.

        Raises:
            Unavailable: not even one take fits; names the largest profile that does.
        """
        beside = XCODEC2_BYTES if shared else 0
        room = usable - beside
        takes = (room - shape.replica(0)) // (shape.replica(1) - shape.replica(0))
        if takes >= 1:
            takes = min(wanted, takes)
            return cls(usable, shape.model(), takes, shape.take(), shape.work(takes) + CONTEXT_BYTES, beside)
        both = f"{name} and XCodec2" if shared else name
        shapes = {profile: replace(other, weights=shape.weights) for profile, other in SHAPES.items()}
        fits = next((profile for profile, other in shapes.items() if other.replica(1) <= room), None)
        advice = f"PROFILE={fits} fits it" if fits else "no Llasa does; PROFILE=nano needs no GPU"
        raise Unavailable(
            f"{both} need {_gib(beside + shape.replica(1))} of a GPU, and this one has {_gib(usable)} for them: "
            f"{advice}."
        )

    @property
    def bytes(self) -> int:
        """What all of it needs."""
        return self.weights + self.takes * self.take + self.work + self.beside

    def __str__(self) -> str:
        caches = self.takes * self.take
        return (
            f"{self.takes} takes at once need {_gib(self.bytes)} of {_gib(self.usable)}: weights {_gib(self.weights)}, "
            f"caches {_gib(caches)}, work {_gib(self.work)}, XCodec2 {_gib(self.beside)}"
        )


def _gib(count: int) -> str:
    return f"{count / _GIB:.1f} GiB"
