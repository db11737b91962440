"""A tiny XCodec2 with random weights: a codec in every respect but the sound."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import torch
    from transformers import Xcodec2Config, Xcodec2Model

LEVELS: Final = (4, 4, 4, 4, 8)
"""FSQ levels: 2048 codes."""
LOUDNESS: Final = 0.1
"""RMS of the decoded audio: audible, and rarely beyond full scale."""
SECONDS: Final = 2


def write_xcodec2(folder: Path, *, seed: int = 0) -> None:
    """Writes a checkpoint that `Xcodec2Model.from_pretrained(folder)` reads: fp32, under 1 M parameters.

    The decoded audio is audible and finite, and speech-like audio encodes to many distinct codes.
    The same seed gives the same weights.
    """
    import torch
    from transformers import Xcodec2Model

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        model = Xcodec2Model(_config()).eval()
        _reset(model)
        _spread_codes(model)
        _set_loudness(model)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)


def _config() -> "Xcodec2Config":
    from transformers import Wav2Vec2BertConfig, Xcodec2Config

    semantic = Wav2Vec2BertConfig(
        vocab_size=None,
        hidden_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=128,
        feature_projection_input_dim=160,
        conv_depthwise_kernel_size=9,
        layerdrop=0.0,
        apply_spec_augment=False,
    )
    return Xcodec2Config(
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=16,
        encoder_hidden_size=4,
        downsampling_ratios=[2, 2, 4, 4, 5],
        semantic_model_config=semantic,
        quantization_dim=128,
        quantization_levels=list(LEVELS),
    )


def _reset(model: "Xcodec2Model") -> None:
    # transformers' initial 0.02 shrinks every signal: it would give one code for all, and silence.
    import torch

    for part in (
        model.semantic_encoder,
        model.semantic_adapter,
        model.acoustic_encoder,
        model.fc_encoder,
        model.quantizer,
        model.acoustic_decoder,
    ):
        for module in part.modules():
            if isinstance(module, torch.nn.Linear | torch.nn.Conv1d):
                module.reset_parameters()
    model.quantizer.project_out.weight.normal_(0, 1)
    head = model.acoustic_decoder.head.linear
    bins = head.out_features // 2
    # Random phases: equal ones would make a click of each frame.
    head.bias[bins:] = 2 * torch.pi * torch.rand(bins)
    head.bias[:bins] = 0


def _spread_codes(model: "Xcodec2Model") -> None:
    import torch

    from deployments.xcodec2.features import features

    inputs = features(_babble().numpy())
    hidden: list[torch.Tensor] = []
    project = model.quantizer.project_in
    hook = project.register_forward_hook(lambda module, args, output: hidden.append(args[0][0]))
    model.encode(**inputs)
    hook.remove()
    mean = hidden[0].mean(0)
    _, spread, axes = torch.linalg.svd(hidden[0] - mean, full_matrices=False)
    size = len(LEVELS)
    scale = spread[:size] / len(hidden[0]) ** 0.5
    project.weight.copy_(axes[:size] / scale[:, None])
    project.bias.copy_(-project.weight @ mean)


def _set_loudness(model: "Xcodec2Model") -> None:
    import torch

    codes = torch.randint(0, model.quantizer.quantizer.codebook.shape[0], (1, 1, 50 * SECONDS))
    wav = model.decode(codes).audio_values
    bins = model.acoustic_decoder.head.linear.out_features // 2
    model.acoustic_decoder.head.linear.bias[:bins] += torch.log(LOUDNESS / wav.std())


def _babble() -> "torch.Tensor":
    # [samples] Gliding harmonics in syllables with a moving formant, and breath: similar to speech.
    import torch

    time = torch.arange(SECONDS * 16_000) / 16_000
    pitch = 120 + 40 * torch.sin(2 * torch.pi * 0.7 * time)
    phase = 2 * torch.pi * torch.cumsum(pitch, 0) / 16_000
    formant = 900 + 600 * torch.sin(2 * torch.pi * 2.3 * time)
    voice = torch.zeros_like(time)
    for harmonic in range(1, 30):
        voice += torch.sin(harmonic * phase) / (1 + ((harmonic * pitch - formant) / 250) ** 2)
    syllables = torch.sin(2 * torch.pi * 2 * time).clamp(min=0)
    return 0.1 * voice * syllables + 0.01 * torch.randn_like(time)
