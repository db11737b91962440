"""Runs the original package `xcodec2` with random weights, for `tests/xcodec2/test_conversion_parity.py`.

It needs an environment of its own (`pip install xcodec2==0.1.5 transformers==4.46.3`), and nothing of this repository:
`python scripts/xcodec2_reference.py FOLDER` writes there a checkpoint, a sound, its codes, and their sound.
"""

import importlib.util
import sys
import types
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import SeamlessM4TFeatureExtractor, Wav2Vec2BertConfig, Wav2Vec2BertModel

LAYERS = 17
"""Layers of w2v-BERT: XCodec2 reads the sixteenth, so that one is left over."""


def main(folder: Path) -> None:
    _replace_imports()
    from xcodec2.configuration_bigcodec import BigCodecConfig
    from xcodec2.modeling_xcodec2 import XCodec2Model

    torch.manual_seed(0)
    # The constructor downloads both; only their sizes matter here.
    semantic = Wav2Vec2BertModel(Wav2Vec2BertConfig(num_hidden_layers=LAYERS, output_hidden_states=True))
    features = SeamlessM4TFeatureExtractor(padding_value=1.0)
    with (
        patch("xcodec2.modeling_xcodec2.Wav2Vec2BertModel.from_pretrained", return_value=semantic),
        patch("xcodec2.modeling_xcodec2.AutoFeatureExtractor.from_pretrained", return_value=features),
    ):
        model = XCodec2Model(BigCodecConfig()).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith((".alpha", ".act.bias", "norm.weight", "norm1.weight", "norm2.weight", "original0")):
                parameter.mul_(1 + 0.1 * torch.randn_like(parameter)).add_(0.1 * torch.randn_like(parameter))
        model.generator.quantizer.project_in.weight.mul_(30)  # else all sounds have one code
    wav = 0.1 * torch.randn(1, 16_000) + 0.3 * torch.sin(torch.arange(16_000) * torch.linspace(0.02, 0.3, 16_000))[None]
    codes = model.encode_code(wav)
    sound = model.decode_code(codes)
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, folder / "model.safetensors")
    np.savez(folder / "reference.npz", wav=wav[0].numpy(), codes=codes[0, 0].numpy(), sound=sound[0, 0].numpy())


def _replace_imports() -> None:
    """Lets the package be imported without torchaudio, which it does not use, and without torchtune's other parts."""
    sys.modules.setdefault("torchaudio", types.ModuleType("torchaudio"))
    found = importlib.util.find_spec("torchtune")
    assert found is not None  # noqa: S101
    assert found.origin is not None  # noqa: S101
    file = Path(found.origin).parent / "modules" / "position_embeddings.py"
    spec = importlib.util.spec_from_file_location("position_embeddings", file)
    assert spec is not None  # noqa: S101
    assert spec.loader is not None  # noqa: S101
    rotary = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rotary)
    sys.modules["torchtune"] = types.ModuleType("torchtune")
    sys.modules["torchtune.modules"] = rotary


if __name__ == "__main__":
    main(Path(sys.argv[1]))
