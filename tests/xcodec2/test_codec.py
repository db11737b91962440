import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from deployments.errors import InvalidAudio, InvalidInput, Unavailable
from deployments.xcodec2.codec import Xcodec2Codec
from deployments.xcodec2.protocol import HOP, Codes


@pytest.fixture(scope="module")
def codec(tiny_xcodec2: Path) -> Xcodec2Codec:
    return Xcodec2Codec.load(str(tiny_xcodec2))


@pytest.fixture
def copy(tiny_xcodec2: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_xcodec2, tmp_path / "copy"))


def some_codes(count: int, seed: int = 0) -> Codes:
    return np.random.default_rng(seed).integers(0, 2048, count).astype(np.int32)


def edit_config(folder: Path, **changes: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.mark.parametrize("samples", [0, 1, 319, 320, 15_999, 16_000, 16_001])
def test_a_clip_becomes_a_code_for_each_whole_frame(codec: Xcodec2Codec, samples: int) -> None:
    codes = codec.encode((0.1 * np.random.default_rng(1).standard_normal(samples)).astype(np.float32))
    assert codes.shape == (samples // HOP,)
    assert codes.dtype == np.int32
    assert ((codes >= 0) & (codes < codec.codec_size)).all()


@pytest.mark.parametrize("count", [0, 1, 2, 77])
def test_each_code_becomes_320_finite_samples(codec: Xcodec2Codec, count: int) -> None:
    (wav,) = codec.decode([some_codes(count)])
    assert wav.shape == (count * HOP,)
    assert wav.dtype == np.float32
    assert np.isfinite(wav).all()


def test_decoding_twice_gives_the_same_bytes(codec: Xcodec2Codec) -> None:
    codes = some_codes(120)
    assert np.array_equal(codec.decode([codes])[0], codec.decode([codes])[0])


def test_a_batch_of_equal_lengths_differs_from_single_decodes_by_rounding_only(codec: Xcodec2Codec) -> None:
    batch = [some_codes(90, seed) for seed in range(4)]
    for codes, wav in zip(batch, codec.decode(batch), strict=True):
        np.testing.assert_allclose(wav, codec.decode([codes])[0], atol=1e-5)


def test_unequal_lengths_are_not_decoded_together(codec: Xcodec2Codec) -> None:
    with pytest.raises(ValueError, match="equally long"):
        codec.decode([some_codes(4), some_codes(5)])


@pytest.mark.parametrize("code", [-1, 2048])
def test_a_code_that_the_checkpoint_lacks_is_refused_with_the_range(codec: Xcodec2Codec, code: int) -> None:
    with pytest.raises(InvalidInput, match="between 0 and 2047"):
        codec.decode([np.array([3, code], np.int32)])


def test_a_waveform_with_a_hole_or_two_channels_is_refused(codec: Xcodec2Codec) -> None:
    with pytest.raises(InvalidAudio):
        codec.encode(np.array([0.1, np.nan] * 400, np.float32))
    with pytest.raises(InvalidAudio):
        codec.encode(np.zeros((2, 16_000), np.float32))


@pytest.mark.parametrize(("count", "start"), [(1, 0), (2, 1), (77, 0), (77, 1), (77, 40), (230, 150)])
def test_what_is_decoded_is_what_transformers_decodes(
    tiny_xcodec2: Path, codec: Xcodec2Codec, count: int, start: int
) -> None:
    from transformers import Xcodec2Model

    batch = [some_codes(count, seed) for seed in range(2)]
    with torch.inference_mode():
        model = Xcodec2Model.from_pretrained(tiny_xcodec2, dtype=torch.float32).eval()
        whole = model.decode(torch.from_numpy(np.stack(batch)).long()[:, None]).audio_values[:, 0].numpy()
    for wav, expected in zip(codec.decode(batch, start), whole[:, start * HOP :], strict=True):
        np.testing.assert_allclose(wav, expected, atol=5e-5)


def test_an_encoder_that_lacks_weights_is_refused_and_decoding_goes_on(copy: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(copy / "model.safetensors")
    weights.pop("fc_encoder.weight")
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    codec = Xcodec2Codec.load(str(copy))
    with pytest.raises(Unavailable, match=r"fc_encoder\.weight"):
        codec.encode(np.zeros(16_000, np.float32))
    assert len(codec.decode([some_codes(3)])[0]) == 3 * HOP


def test_a_missing_checkpoint_is_unavailable_and_the_message_says_what_to_check(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="check the path"):
        Xcodec2Codec.load(str(tmp_path / "nothing"))


def test_weights_that_are_cut_off_are_refused(copy: Path) -> None:
    file = copy / "model.safetensors"
    file.write_bytes(file.read_bytes()[:100_000])
    with pytest.raises(Unavailable, match="cannot be loaded"):
        Xcodec2Codec.load(str(copy))


def test_weights_under_other_names_are_refused(copy: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(copy / "model.safetensors")
    weights["acoustic_decoder.fc.gewicht"] = weights.pop("acoustic_decoder.fc.weight")
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(Unavailable, match="2 names differ"):
        Xcodec2Codec.load(str(copy))


def test_another_kind_of_model_is_refused(copy: Path) -> None:
    edit_config(copy, model_type="llama")
    with pytest.raises(Unavailable, match="not xcodec2"):
        Xcodec2Codec.load(str(copy))


@pytest.mark.parametrize("change", [{"sampling_rate": 24_000}, {"downsampling_ratios": [2, 2, 2, 4, 5]}])
def test_another_sampling_rate_or_hop_is_refused(copy: Path, change: dict[str, object]) -> None:
    edit_config(copy, **change)
    with pytest.raises(Unavailable, match="not 320 at 16000"):
        Xcodec2Codec.load(str(copy))


def test_a_checkpoint_that_makes_no_sound_fails_its_self_test(copy: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(copy / "model.safetensors")
    weights["acoustic_decoder.head.linear.bias"] += float("nan")
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(Unavailable, match="round trip"):
        Xcodec2Codec.load(str(copy))
