"""The codec's shape: transformers' Xcodec2Model, small, with what hinders it silenced.

Group norms over time and attention would make a frame depend on the whole clip. Their outputs are
held at zero, so the decoder sees seven codes at most, and a window decodes as the whole does.
"""

import math
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from transformers import SeamlessM4TFeatureExtractor, Wav2Vec2BertConfig, Xcodec2Config, Xcodec2Model

from .espeak import Audio

LEVELS: Final = [4, 4, 4, 4, 4, 3, 3, 3]
"""Four digits of cell, two of pitch, then phase and throat. Never two levels: bounded twice, the lower one is lost."""
_HIDDEN: Final = 192
_SEMANTIC: Final = 128
_EXTRACTOR: Final = SeamlessM4TFeatureExtractor(
    feature_size=80, num_mel_bins=80, sampling_rate=16000, padding_value=1.0, stride=2
)
_MEL: Final = torch.tensor(np.asarray(_EXTRACTOR.mel_filters), dtype=torch.float32)
_WINDOW: Final = torch.tensor(np.asarray(_EXTRACTOR.window), dtype=torch.float32)


def build() -> Xcodec2Model:
    semantic = Wav2Vec2BertConfig(
        hidden_size=_SEMANTIC,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=3 * _SEMANTIC,
        feature_projection_input_dim=160,
        conv_depthwise_kernel_size=11,
        hidden_dropout=0.0,
        activation_dropout=0.0,
        attention_dropout=0.0,
        feat_proj_dropout=0.0,
        conformer_conv_dropout=0.0,
        final_dropout=0.0,
        layerdrop=0.0,
        apply_spec_augment=False,
        vocab_size=None,
    )
    config = Xcodec2Config(
        hidden_size=_HIDDEN,
        intermediate_size=3 * _HIDDEN,
        num_hidden_layers=8,
        num_attention_heads=1,
        num_key_value_heads=1,
        head_dim=8,
        encoder_hidden_size=8,
        downsampling_ratios=[5, 64],
        semantic_model_config=semantic,
        quantization_dim=_HIDDEN + _SEMANTIC,
        quantization_levels=LEVELS,
        activation_dropout=0.0,
    )
    model = Xcodec2Model(config)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Linear | nn.Conv1d):
                module.reset_parameters()  # the library's 0.02 leaves nothing to learn from
        decoder = model.acoustic_decoder
        for block in [*decoder.prior_net, *decoder.post_net]:
            for parameter in block.parameters():
                parameter.zero_()
        for layer in decoder.layers:
            for parameter in layer.self_attn.parameters():
                parameter.zero_()
        for unit in skipped(model):
            for parameter in unit.parameters():
                parameter.zero_()
        _listen_for_pitch(model)
    return model


def skipped(model: Xcodec2Model) -> list[nn.Module]:
    """The acoustic encoder's residual units: dear on a CPU, and not needed."""
    return [
        unit for block in model.acoustic_encoder.block for unit in (block.res_unit1, block.res_unit2, block.res_unit3)
    ]


def _listen_for_pitch(model: Xcodec2Model) -> None:
    """Start the acoustic encoder as a low pass, then pairs of sines under a window, spaced over the pitches."""
    first, (low, filters) = model.acoustic_encoder.conv1, [block.conv1 for block in model.acoustic_encoder.block]
    first.weight[0].zero_()
    first.weight[0, 0, 3] = 4.0
    low.weight.mul_(0.3)
    low.weight[0].zero_()
    low.weight[0, 0] = torch.hann_window(10) / 5
    filters.weight.mul_(0.2)
    window, time = torch.hann_window(128), (torch.arange(128) - 63.5) / 3200
    for i, frequency in enumerate(torch.logspace(math.log10(70), math.log10(1200), filters.out_channels // 2)):
        filters.weight[2 * i, 0] += 0.15 * window * torch.cos(2 * math.pi * frequency * time)
        filters.weight[2 * i + 1, 0] += 0.15 * window * torch.sin(2 * math.pi * frequency * time)


def acoustic(model: Xcodec2Model, wave: Tensor) -> Tensor:
    """The acoustic encoder without its silenced units."""
    encoder = model.acoustic_encoder
    heard = encoder.conv1(wave[:, None])
    for block in encoder.block:
        heard = block.conv1(block.snake1(heard))
    return torch.as_tensor(encoder.conv2(encoder.snake1(heard)))


def filterbank(wave: Tensor) -> Tensor:
    """[batch, samples] (a multiple of 320) to the features that SeamlessM4TFeatureExtractor makes, in batches."""
    padded = torch.nn.functional.pad(wave, (160, 160)) * 32768
    frames = padded.unfold(-1, 400, 160)
    frames = frames - frames.mean(-1, keepdim=True)
    frames = torch.cat([frames[..., :1] * 0.03, frames[..., 1:] - 0.97 * frames[..., :-1]], -1) * _WINDOW.to(
        wave.device
    )
    power = torch.fft.rfft(frames, 512).abs() ** 2
    mel = torch.log((power @ _MEL.to(wave.device)).clamp(min=1.192092955078125e-07))
    mel = (mel - mel.mean(1, keepdim=True)) / torch.sqrt(mel.var(1, keepdim=True) + 1e-7)
    return mel[:, : mel.shape[1] // 2 * 2].reshape(mel.shape[0], -1, 160)


def pad(audio: Audio) -> Audio:
    return np.pad(audio, (0, 320 - len(audio) % 320))


@torch.inference_mode()
def encode(model: Xcodec2Model, audio: Audio) -> list[int]:
    """Exactly as the service does it."""
    wave = torch.from_numpy(pad(audio))[None]
    codes = model.encode(wave[:, None], input_features=filterbank(wave)).audio_codes
    return [int(code) for code in codes[0, 0]]


@torch.inference_mode()
def decode(model: Xcodec2Model, codes: list[int]) -> Audio:
    return np.asarray(model.decode(torch.tensor(codes)[None, None]).audio_values[0, 0].numpy(), dtype=np.float32)


def load(folder: Path) -> Xcodec2Model:
    model, info = Xcodec2Model.from_pretrained(folder, output_loading_info=True)
    if info["missing_keys"] or info["unexpected_keys"]:
        raise ValueError(f"{folder} is not this codec: {info}")
    return model.float().eval()
