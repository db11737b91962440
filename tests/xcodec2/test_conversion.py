"""Conversion of checkpoints of the package `xcodec2`, whose names and shapes original.txt lists as of 0.1.5."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers import Xcodec2Config, Xcodec2Model

from cli.__main__ import main
from deployments.errors import Unavailable
from deployments.xcodec2.codec import Xcodec2Codec
from deployments.xcodec2.conversion import _plain_weights, convert_codec, converted

ROOT = Path(__file__).parent.parent.parent
RANGE = re.compile(r"\[(\d+)-(\d+)\]")


def names() -> Iterator[tuple[str, list[int]]]:
    for line in (Path(__file__).parent / "original.txt").read_text(encoding="utf-8").splitlines():
        name, *shape = line.split(" ")
        first, last = map(int, match.groups()) if (match := RANGE.search(name)) else (0, 0)
        for number in range(first, last + 1):
            yield RANGE.sub(str(number), name), [*map(int, shape)]


@pytest.fixture
def original() -> dict[str, torch.Tensor]:
    return {name: torch.empty(shape, device="meta") for name, shape in names()}


def renamed(tensors: dict[str, torch.Tensor], *pairs: tuple[str, str]) -> dict[str, torch.Tensor]:
    found = {}
    for name, tensor in tensors.items():
        for old, new in pairs:
            name = name.replace(old, new)
        found[name] = tensor
    return found


FORMS = {
    "of the package": (),
    "of the hub": ((".act.bias", ".act.beta"),),
    "of old weight norm": (
        (".parametrizations.weight.original0", ".weight_g"),
        (".parametrizations.weight.original1", ".weight_v"),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_tensor_of_transformers_is_filled_and_none_is_left_over(
    form: str, original: dict[str, torch.Tensor]
) -> None:
    config = Xcodec2Config()
    with torch.device("meta"):
        expected = {name: tensor.shape for name, tensor in Xcodec2Model(config).state_dict().items()}
    found = converted(renamed(original, *FORMS[form]), config)
    assert {name: tensor.shape for name, tensor in found.items()} == expected


def test_weight_norm_is_multiplied_out_in_both_forms() -> None:
    conv = torch.nn.utils.parametrizations.weight_norm(torch.nn.Conv1d(3, 5, 7))
    conv.parametrizations.weight.original0.data.uniform_(1, 2)
    magnitude, direction = conv.parametrizations.weight.original0.data, conv.parametrizations.weight.original1.data
    ends = ".parametrizations.weight.original"
    for stored in (
        {f"a{ends}0": magnitude, f"a{ends}1": direction},
        {"a.weight_g": magnitude, "a.weight_v": direction},
    ):
        plain = _plain_weights(stored)
        assert plain.keys() == {"a.weight"}
        torch.testing.assert_close(plain["a.weight"], conv.weight.data)


def test_what_is_missing_left_over_or_of_another_shape_is_named(original: dict[str, torch.Tensor]) -> None:
    del original["fc_prior.weight"]
    original["fc_post_s.weight"] = torch.empty(1, device="meta")
    original["generator.head.out.bias"] = torch.empty(7, device="meta")
    with pytest.raises(Unavailable) as caught:
        converted(original, Xcodec2Config())
    for name in "it lacks fc_encoder.weight", "fc_post_s.weight", "in another shape acoustic_decoder.head.linear.bias":
        assert name in str(caught.value)


def test_the_command_says_what_is_wrong_with_a_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert-codec", str(tmp_path), str(tmp_path / "out")]) == 1
    assert "There is no model.safetensors in" in capsys.readouterr().err
    save_file({"weight": torch.zeros(1)}, tmp_path / "model.safetensors")
    assert main(["convert-codec", str(tmp_path), str(tmp_path / "out")]) == 1
    assert "This is not an XCodec2 of the original package" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.skipif("XCODEC2_PYTHON" not in os.environ, reason="XCODEC2_PYTHON names no Python with xcodec2 0.1.5")
def test_a_converted_checkpoint_has_the_codes_and_the_sound_of_the_original(tmp_path: Path) -> None:
    command = [os.environ["XCODEC2_PYTHON"], str(ROOT / "scripts" / "xcodec2_reference.py"), str(tmp_path / "original")]
    subprocess.run(command, check=True, timeout=900, cwd=tmp_path)
    convert_codec(tmp_path / "original", tmp_path / "converted")
    codec = Xcodec2Codec.load(str(tmp_path / "converted"))
    with np.load(tmp_path / "original" / "reference.npz") as reference:
        wav, codes, sound = reference["wav"], reference["codes"], reference["sound"]
    # This service leaves out the last code, whose frame is partly padding.
    assert codec.encode(wav).tolist() == codes[:-1].tolist()
    (decoded,) = codec.decode([codes.astype(np.int32)])
    np.testing.assert_allclose(decoded, sound, atol=1e-4)
