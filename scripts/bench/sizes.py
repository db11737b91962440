"""Models of the real shapes with random weights: as fast as the real ones, without a download."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scripts.random_checkpoints.llasa import write_tokenizer

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

    from deployments.xcodec2.codec import Xcodec2Codec

LLAMA_TOKENS: Final = 128_256
"""Size of Llama 3's own vocabulary; Llasa adds eight markers and the codes."""


@dataclass(frozen=True, slots=True)
class Size:
    """Shape of a Llasa."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    codec_size: int = 65_536
    text_tokens: int = LLAMA_TOKENS + 8
    """Rows of the vocabulary that are not codes."""
    rope: dict[str, Any] = field(default_factory=lambda: _rope(32.0))

    @property
    def vocabulary(self) -> int:
        return self.text_tokens + self.codec_size


def _rope(factor: float) -> dict[str, Any]:
    """Llama 3.1's has factor 8, Llama 3.2's 32."""
    return {
        "rope_type": "llama3",
        "rope_theta": 500_000.0,
        "factor": factor,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    }


SIZES: Final = {
    "8b": Size(4096, 32, 32, 8, 128, 14_336, rope=_rope(8.0)),
    "3b": Size(3072, 28, 24, 8, 128, 8192),
    "1b": Size(2048, 16, 32, 8, 64, 8192),
    "tiny": Size(192, 4, 6, 3, 32, 576, codec_size=2048, text_tokens=270),  # as scripts/random_checkpoints/llasa.py
}


def write_checkpoint(size: Size, folder: Path, device: str) -> None:
    """Writes a Llasa with random weights, as published: float16 for a CPU, bfloat16 for a GPU, where they are made."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokens = write_tokenizer(folder, size.codec_size)
    config = LlamaConfig(
        vocab_size=max(size.vocabulary, len(tokens)),
        hidden_size=size.hidden,
        intermediate_size=size.intermediate,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.kv_heads,
        head_dim=size.head_dim,
        max_position_embeddings=131_072,
        rms_norm_eps=1e-5,
        rope_parameters=dict(size.rope),
        tie_word_embeddings=False,
    )
    default = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float32 if device == "cpu" else torch.bfloat16)
        with torch.device(device), torch.random.fork_rng():
            torch.manual_seed(0)
            model = LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(default)
    (model.half() if device == "cpu" else model).save_pretrained(folder)


def load_published(folder: Path, device: str) -> "LlamaForCausalLM":
    """Loads it as people do who use transformers: float32 on a CPU, bfloat16 elsewhere."""
    import torch
    from transformers import LlamaForCausalLM

    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    model = LlamaForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True).to(device)
    return model.requires_grad_(False).eval()


def build_codec(size: Size, device: str) -> "Xcodec2Codec":
    """Builds the codec of the real size, or the tiny one if the Llasa is tiny, too."""
    import torch
    from transformers import Xcodec2Config, Xcodec2Model

    from deployments.xcodec2.codec import Xcodec2Codec
    from scripts.random_checkpoints.xcodec2 import write_xcodec2

    with tempfile.TemporaryDirectory() as folder:
        if size.codec_size < SIZES["8b"].codec_size:
            write_xcodec2(Path(folder))
        else:
            with torch.random.fork_rng():
                torch.manual_seed(0)
                Xcodec2Model(Xcodec2Config()).save_pretrained(folder)
        return Xcodec2Codec.load(folder, device)
