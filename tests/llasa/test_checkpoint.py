from pathlib import Path
from shutil import copytree

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaForCausalLM

from deployments.errors import Unavailable
from deployments.llasa.checkpoint import load_checkpoint


def test_the_reordered_model_gives_the_original_logits_of_codes_and_end(tiny_llasa: Path) -> None:
    checkpoint = load_checkpoint(str(tiny_llasa))
    order = torch.from_numpy(checkpoint.vocabulary.order)
    original = LlamaForCausalLM.from_pretrained(tiny_llasa).eval()
    ids = torch.arange(0, 2000, 13)[None]
    with torch.inference_mode():
        ours = checkpoint.model(ids).logits
        theirs = original(order[ids]).logits[..., order[: checkpoint.vocabulary.end + 1]]
    torch.testing.assert_close(ours, theirs)
    assert ours.shape[-1] == checkpoint.vocabulary.codec_size + 1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_checkpoint_in_16_bits_gives_the_logits_of_its_weights(
    tiny_llasa: Path, tmp_path: Path, dtype: torch.dtype
) -> None:
    folder = copytree(tiny_llasa, tmp_path / "half")
    LlamaForCausalLM.from_pretrained(tiny_llasa).to(dtype).save_pretrained(folder)
    checkpoint = load_checkpoint(str(folder))
    order = torch.from_numpy(checkpoint.vocabulary.order)
    original = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    ids = torch.arange(0, 2000, 13)[None]
    with torch.inference_mode():
        ours = checkpoint.model(ids).logits
        theirs = original(order[ids]).logits[..., order[: checkpoint.vocabulary.end + 1]]
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_tied_head_is_cut_from_the_embedding(tiny_llasa: Path, tmp_path: Path) -> None:
    model = LlamaForCausalLM.from_pretrained(tiny_llasa)
    model.config.tie_word_embeddings = True
    model.tie_weights()
    folder = copytree(tiny_llasa, tmp_path / "tied")
    model.save_pretrained(folder)
    checkpoint = load_checkpoint(str(folder))
    rows = checkpoint.vocabulary.end + 1
    assert torch.equal(checkpoint.model.lm_head.weight, checkpoint.model.get_input_embeddings().weight[:rows])


def test_a_folder_that_is_no_checkpoint_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=f"The Llasa checkpoint at {tmp_path}"):
        load_checkpoint(str(tmp_path))


def test_a_checkpoint_that_lacks_a_tensor_is_refused_by_its_name(tiny_llasa: Path, tmp_path: Path) -> None:
    folder = copytree(tiny_llasa, tmp_path / "broken")
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(Unavailable, match=r"model\.layers\.1\.mlp\.up_proj\.weight"):
        load_checkpoint(str(folder))


def test_weights_that_are_cut_off_or_of_another_size_are_refused_by_name(tiny_llasa: Path, tmp_path: Path) -> None:
    folder = copytree(tiny_llasa, tmp_path / "broken")
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
