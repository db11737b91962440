"""Checkpoints in every format that transformers has written, against transformers itself."""

import json
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from deployments.errors import Unavailable
from deployments.llasa.checkpoint import Checkpoint, load_checkpoint
from deployments.llasa.model import Llama
from deployments.nano.weights import FOLDER
from deployments.placement.memory import SHAPES
from scripts.random_checkpoints.llasa import MARKERS, TEMPLATE

WINDOW = 256


def logits_of(checkpoint: Checkpoint, ids: torch.Tensor) -> torch.Tensor:
    """Of the token after `ids`, computed as the engine does: a prompt in chunks, and a step."""
    with torch.inference_mode():
        llama = Llama(checkpoint.weights, 2, WINDOW)
        for start in range(0, len(ids) - 1, 64):
            llama.prefill(1, ids[start : min(start + 64, len(ids) - 1)], start)
        last = len(ids) - 1
        tokens, positions = torch.tensor([0, int(ids[-1])]), torch.tensor([WINDOW - 1, last])
        each = llama.decode(tokens, positions, [0, last + 1])[1]
        alike = llama.decode(tokens, positions)[1]
    torch.testing.assert_close(each, alike, rtol=2e-4, atol=5e-5)
    return each


def assert_computes_what_transformers_does(folder: Path) -> Checkpoint:
    checkpoint = load_checkpoint(str(folder))
    order = torch.from_numpy(checkpoint.vocabulary.order)
    original = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    ids = torch.arange(0, 2000, 13)
    with torch.inference_mode():
        theirs = original(order[ids][None]).logits[0, :, order[: checkpoint.vocabulary.end + 1]]
    for length in (1, 2, 100, len(ids)):
        torch.testing.assert_close(logits_of(checkpoint, ids[:length]), theirs[length - 1], rtol=2e-4, atol=5e-5)
    return checkpoint


@pytest.fixture
def folder(tiny_llasa: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return copytree(tiny_llasa, tmp_path / "llasa")


def rewrite_config(folder: Path, **changes: Any) -> None:
    file = folder / "config.json"
    config = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({name: value for name, value in config.items() if value is not None}))


def test_logits_of_codes_and_end_are_transformers(tiny_llasa: Path) -> None:
    assert_computes_what_transformers_does(tiny_llasa)
    assert_computes_what_transformers_does(FOLDER / "llasa")


def test_bfloat16_weights_become_float16_almost_without_loss(folder: Path) -> None:
    LlamaForCausalLM.from_pretrained(folder).to(torch.bfloat16).save_pretrained(folder)
    assert_computes_what_transformers_does(folder)


def test_small_weights_are_made_while_the_checkpoint_is_read_and_give_almost_the_same_logits(folder: Path) -> None:
    ids = torch.arange(0, 2000, 13)
    exact, small = (logits_of(load_checkpoint(str(folder), weights=weights), ids) for weights in ("auto", "int8"))
    assert 0 < (small - exact).norm() / exact.norm() < 0.03


def test_fp8_on_a_cpu_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"LLASA_WEIGHTS=fp8 needs a GPU .* this is a CPU: set LLASA_WEIGHTS to int8"):
        load_checkpoint(str(tmp_path), weights="fp8")


def test_a_checkpoint_in_many_shards_is_read(folder: Path) -> None:
    model = LlamaForCausalLM.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="500KB")
    assert len([*folder.glob("model-*.safetensors")]) > 3
    assert_computes_what_transformers_does(folder)


def test_a_tied_head_is_cut_from_the_embedding(folder: Path) -> None:
    model = LlamaForCausalLM.from_pretrained(folder)
    model.config.tie_word_embeddings = True
    model.tie_weights()
    model.save_pretrained(folder)
    assert "lm_head.weight" not in load_file(folder / "model.safetensors")
    assert_computes_what_transformers_does(folder)


def test_the_layout_of_the_published_1b_is_read_in_shards(tmp_path: Path) -> None:
    # Its token map, tied head, shards of bfloat16 and config of transformers 4, with a narrow width.
    words = {f"word{n}": n for n in range(128_256)}
    backend = Tokenizer(models.WordLevel(words, unk_token="word0"))
    backend.add_tokens([*MARKERS, *(f"<|s_{code}|>" for code in range(65_536))])
    PreTrainedTokenizerFast(tokenizer_object=backend, chat_template=TEMPLATE).save_pretrained(tmp_path)
    scaling = {"factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "rope_type": "llama3"}
    config = LlamaConfig(
        vocab_size=193_800,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=16,
        num_attention_heads=32,
        num_key_value_heads=8,
        head_dim=64,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        rope_parameters={**scaling, "original_max_position_embeddings": 8192, "rope_theta": 500_000.0},
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(tmp_path, max_shard_size="2MB")
    rewrite_config(
        tmp_path,
        rope_parameters=None,
        rope_theta=500_000.0,
        rope_scaling={**scaling, "original_max_position_embeddings": 8192},
    )
    assert len([*tmp_path.glob("model-*.safetensors")]) > 2
    checkpoint = assert_computes_what_transformers_does(tmp_path)
    vocabulary = checkpoint.vocabulary
    assert (vocabulary.codec_size, vocabulary.order[0], vocabulary.order[vocabulary.end]) == (65_536, 128_264, 128_261)
    assert checkpoint.weights.config.shape == replace(SHAPES["llasa-1b"], hidden=32, intermediate=64)


@pytest.mark.parametrize("kind", ["rope_type", "type"])
def test_the_rope_of_a_config_before_version_5_is_llama_3s(folder: Path, kind: str) -> None:
    scaling = {"factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
    rewrite_config(folder, rope_parameters=None, rope_theta=500_000.0, rope_scaling={kind: "llama3", **scaling})
    checkpoint = assert_computes_what_transformers_does(folder)
    assert (
        LlamaConfig.from_pretrained(folder).rope_parameters["rope_theta"]
        == checkpoint.weights.config.rope["rope_theta"]
    )


def test_rotary_frequencies_that_old_checkpoints_store_are_ignored(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.zeros(16)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert_computes_what_transformers_does(folder)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"hidden_act": "gelu"}, "hidden_act"),
        ({"attention_bias": True}, "attention_bias"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}}, "rope_type yarn"),
        ({"hidden_size": None}, "hidden_size"),
    ],
)
def test_another_architecture_is_refused_by_what_differs(folder: Path, changes: dict[str, Any], named: str) -> None:
    rewrite_config(folder, **changes)
    with pytest.raises(Unavailable, match=named):
        load_checkpoint(str(folder))


def test_a_folder_that_is_no_checkpoint_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=f"The Llasa checkpoint at {tmp_path}"):
        load_checkpoint(str(tmp_path))


def test_a_checkpoint_that_lacks_a_tensor_is_refused_by_its_name(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(Unavailable, match=r"model\.layers\.1\.mlp\.up_proj\.weight"):
        load_checkpoint(str(folder))


def test_weights_that_are_cut_off_or_of_another_size_are_refused_by_name(folder: Path) -> None:
    file, config = folder / "model.safetensors", folder / "config.json"
    whole = file.read_bytes()
    for broken in (b"version https://git-lfs.github.com/spec/v1", whole[: len(whole) // 2]):
        file.write_bytes(broken)
        with pytest.raises(Unavailable, match=f"The Llasa checkpoint at {folder} cannot be loaded"):
            load_checkpoint(str(folder))
    file.write_bytes(whole)
    config.write_text(config.read_text().replace('"hidden_size": 192', '"hidden_size": 128'))
    with pytest.raises(Unavailable, match=f"The Llasa checkpoint at {folder} cannot be loaded"):
        load_checkpoint(str(folder))


def test_a_head_that_is_neither_stored_nor_tied_is_missed(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["lm_head.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(Unavailable, match=r"does not fit a Llama: lm_head\.weight"):
        load_checkpoint(str(folder))
