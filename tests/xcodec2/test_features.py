import math

import numpy as np
import pytest
import torch

from deployments.xcodec2.features import features
from deployments.xcodec2.protocol import HOP, Waveform


def noise(samples: int) -> Waveform:
    return (0.1 * np.random.default_rng(samples).standard_normal(samples)).astype(np.float32)


def kaldi_log_mel(padded: torch.Tensor) -> torch.Tensor:
    # [samples] -> [columns, 80]: torchaudio's kaldi fbank as Xcodec2FeatureExtractor calls it, written out.
    bins = torch.arange(257) * 16_000 / 512
    low, high = (1127 * math.log(1 + hertz / 700) for hertz in (20, 8000))
    edges = torch.linspace(low, high, 82)
    mel = 1127 * torch.log(1 + bins / 700)
    rising = (mel[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mel[:, None]) / (edges[2:] - edges[1:-1])
    bank = torch.minimum(rising, falling).clamp(min=0)
    frames = (padded * 2**15).unfold(0, 400, 160)
    frames = frames - frames.mean(1, keepdim=True)
    frames = torch.cat([frames[:, :1] * (1 - 0.97), frames[:, 1:] - 0.97 * frames[:, :-1]], 1)
    frames = frames * torch.hann_window(400, periodic=False) ** 0.85
    power = torch.fft.rfft(frames, 512).abs() ** 2
    log = torch.log((power @ bank.float()).clamp(min=1.1920929e-07))
    return (log - log.mean(0)) / torch.sqrt(log.var(0, unbiased=True) + 1e-7)


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (319, 1), (320, 2), (16_000, 51), (93_680, 293)])
def test_a_clip_has_one_frame_more_than_it_fills(samples: int, frames: int) -> None:
    inputs = features(noise(samples))
    assert inputs["input_values"].shape == (1, 1, frames * HOP)
    assert inputs["input_features"].shape == (1, frames, 160)


def test_the_waveform_goes_in_unchanged_and_zeros_follow_it() -> None:
    wav = noise(1000)
    values = features(wav)["input_values"][0, 0].numpy()
    assert np.array_equal(values[:1000], wav)
    assert not values[1000:].any()


@pytest.mark.parametrize("samples", [5_000, 16_000, 40_123])
def test_the_log_mel_is_that_of_the_official_extractor(samples: int) -> None:
    wav = noise(samples)
    inputs = features(wav)
    padded = torch.nn.functional.pad(inputs["input_values"][0, 0], (160, 160))
    expected = kaldi_log_mel(padded)[: 2 * inputs["input_features"].shape[1]].reshape(-1, 160)
    torch.testing.assert_close(inputs["input_features"][0], expected, atol=2e-3, rtol=0)
