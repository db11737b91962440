"""Others' models that judge the embedded default's speech: none of them ever heard what it learnt from.

`scripts/train_nano/registry.py` fetches them: OpenAI's Whisper base (MIT) and Resemble AI's Resemblyzer (Apache-2.0).
"""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from transformers.audio_utils import mel_filter_bank

Audio = npt.NDArray[np.float32]
_MEL: Final = mel_filter_bank(201, 40, 0, 8000, 16000, norm="slaney", mel_scale="slaney")
_PART, _STEP = 160, 77
"""Frames of 10 ms that it hears at once, and after how many it hears the next ones."""
_LEVEL: Final = 10 ** (-30 / 20)


class Likeness(nn.Module):
    """Resemblyzer: a vector of 256 that tells whose voice it is."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.lstm = nn.LSTM(40, 256, 3, batch_first=True)
        self.linear = nn.Linear(256, 256)
        self.load_state_dict(torch.load(weights, map_location="cpu", weights_only=False)["model_state"], strict=False)

    @torch.inference_mode()
    def of(self, audio: Audio) -> Audio:
        """[256], of length one."""
        audio = _spoken(audio)
        audio = audio * max(1.0, _LEVEL / (float(np.sqrt((audio**2).mean())) + 1e-9))
        padded = np.pad(audio, (200, 200 + 160 * _PART))
        frames = np.lib.stride_tricks.sliding_window_view(padded, 400)[::160] * np.hanning(401)[:400]
        mel = torch.from_numpy((np.abs(np.fft.rfft(frames)) ** 2 @ _MEL).astype(np.float32))
        count = 1 + len(audio) // 160
        starts = [s for s in range(0, max(1, count), _STEP) if s == 0 or count - s >= 0.75 * _PART]
        _, (hidden, _) = self.lstm(torch.stack([mel[s : s + _PART] for s in starts]))
        parts = torch.relu(self.linear(hidden[-1]))
        mean = (parts / parts.norm(dim=1, keepdim=True)).mean(0)
        return np.asarray((mean / mean.norm()).numpy(), np.float32)


def _spoken(audio: Audio) -> Audio:
    """Without the quiet stretches."""
    count = len(audio) // 480 * 480
    if not count:
        return audio
    blocks = audio[:count].reshape(-1, 480)
    loud = np.sqrt((blocks**2).mean(1))
    kept = np.convolve(loud > 0.06 * np.percentile(loud, 95), np.ones(7), "same") > 0
    return np.asarray(blocks[kept].ravel() if kept.any() else audio, np.float32)
