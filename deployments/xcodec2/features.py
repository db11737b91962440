"""Computes the inputs of XCodec2's two encoders without torchaudio."""

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from deployments.xcodec2.protocol import HOP, SAMPLE_RATE, Waveform

if TYPE_CHECKING:
    import torch


def features(wav: Waveform) -> "dict[str, torch.Tensor]":
    """Returns the inputs of `Xcodec2Model.encode`, equal to those of transformers' `Xcodec2FeatureExtractor`.

    Args:
        wav: [samples] mono at 16 kHz.

    Returns:
        input_values: [1, 1, frames * HOP] the waveform, padded with at least one zero to whole frames.
        input_features: [1, frames, 160] normalised log mel, two columns of 80 per frame.
    """
    import torch

    frames = len(wav) // HOP + 1
    padded = np.pad(np.asarray(wav, dtype=np.float32), (0, frames * HOP - len(wav)))
    # Half a hop of padding on each side centres the mel windows on the frames.
    mel = _extractor()(
        np.pad(padded, HOP // 2), sampling_rate=SAMPLE_RATE, return_tensors="np", return_attention_mask=False
    )["input_features"]
    return {
        "input_values": torch.from_numpy(padded)[None, None],
        "input_features": torch.from_numpy(np.asarray(mel, dtype=np.float32))[:, :frames],
    }


@cache
def _extractor() -> Any:
    from transformers import SeamlessM4TFeatureExtractor

    return SeamlessM4TFeatureExtractor(
        feature_size=80, num_mel_bins=80, sampling_rate=SAMPLE_RATE, padding_value=1.0, stride=2
    )
