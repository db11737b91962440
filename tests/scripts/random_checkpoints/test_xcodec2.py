from pathlib import Path

import numpy as np

from deployments.xcodec2.codec import Xcodec2Codec
from deployments.xcodec2.protocol import SAMPLE_RATE
from scripts.random_checkpoints.xcodec2 import write_xcodec2


def glide(seconds: float) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    phase = 2 * np.pi * np.cumsum(140 + 40 * np.sin(5 * time)) / SAMPLE_RATE
    voice = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 20))
    return np.asarray(0.1 * np.asarray(voice) * np.sin(7 * time) ** 2, np.float32)


def test_the_same_seed_writes_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_xcodec2(tmp_path / name, seed=seed)
    a, b, c = ((tmp_path / name / "model.safetensors").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_writing_leaves_the_global_random_state_alone(tmp_path: Path) -> None:
    import torch

    before = torch.random.get_rng_state()
    write_xcodec2(tmp_path)
    assert torch.equal(before, torch.random.get_rng_state())


def test_it_has_2048_codes_and_less_than_a_million_parameters(tiny_xcodec2: Path) -> None:
    assert Xcodec2Codec.load(str(tiny_xcodec2)).codec_size == 2048
    assert (tiny_xcodec2 / "model.safetensors").stat().st_size < 4_000_000


def test_what_sounds_like_speech_becomes_many_codes_and_audible_sound(tiny_xcodec2: Path) -> None:
    codec = Xcodec2Codec.load(str(tiny_xcodec2))
    codes = codec.encode(glide(2))
    (wav,) = codec.decode([codes])
    assert len(set(codes.tolist())) > 40
    assert 0.03 < wav.std() < 0.3
    assert np.abs(wav).max() <= 1
