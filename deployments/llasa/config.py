"""Reads the config.json of a Llama."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch

from deployments.errors import Unavailable
from deployments.placement.memory import LlamaShape


@dataclass(frozen=True, slots=True)
class LlamaConfig:
    """What determines a Llama's computation, apart from its weights."""

    shape: LlamaShape
    epsilon: float
    """Of the RMS norms."""
    tied: bool
    """Whether a checkpoint without a head uses its embedding as such."""
    rope: Mapping[str, Any]
    """`rope_parameters` as transformers 5 writes them."""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Reads a checkpoint's config, in the format of any version of transformers.

        Raises:
            Unavailable: the file does not describe a Llama that this engine computes.
            OSError: it cannot be read.
            ValueError: it is not JSON.
        """
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        # Before version 5 the base stood beside the scaling, and the type was called `type` once.
        rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
        kind = rope.get("rope_type") or rope.get("type") or "default"
        base = rope.get("rope_theta") or config.get("rope_theta") or 10_000.0
        foreign = {
            "hidden_act": config.get("hidden_act", "silu") != "silu",
            "attention_bias": bool(config.get("attention_bias")),
            "mlp_bias": bool(config.get("mlp_bias")),
            f"rope_type {kind}": kind not in ("default", "llama3"),
        }
        if any(foreign.values()):
            names = ", ".join(name for name, found in foreign.items() if found)
            raise Unavailable(f"The config.json of this checkpoint is not a Llasa's: {names} is not supported.")
        return cls(
            shape=LlamaShape.of(config),
            epsilon=config.get("rms_norm_eps", 1e-6),
            tied=config.get("tie_word_embeddings", False),
            rope={**rope, "rope_type": kind, "rope_theta": base},
        )

    def rotations(self, positions: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns cosines and signed sines, float32 [positions, head_size].

        With them, `x * cosines + x.roll(head_size // 2) * sines` rotates x as Llama does.
        """
        size = self.shape.head_size
        frequencies: torch.Tensor = 1.0 / self.rope["rope_theta"] ** (
            torch.arange(0, size, 2, dtype=torch.int64).float() / size
        )
        if self.rope["rope_type"] == "llama3":
            frequencies = self._stretched(frequencies)
        angles = torch.arange(positions).float()[:, None] * frequencies
        return angles.cos().repeat(1, 2), torch.cat([-angles.sin(), angles.sin()], dim=1)

    def _stretched(self, frequencies: torch.Tensor) -> torch.Tensor:
        """Llama 3.1's scaling: low frequencies are divided by a factor, high ones kept, with a ramp between."""
        rope = self.rope
        low, high, old = rope["low_freq_factor"], rope["high_freq_factor"], rope["original_max_position_embeddings"]
        turns = old * frequencies / (2 * math.pi)
        kept = ((turns - low) / (high - low)).clamp(0, 1)
        stretched: torch.Tensor = frequencies * (kept + (1 - kept) / rope["factor"])
        return stretched
