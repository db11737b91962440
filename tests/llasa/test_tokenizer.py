"""The tokenizer and the template against transformers, which wrote them."""

import json
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from deployments.llasa.tokenizer import LlasaTokenizer
from deployments.nano.weights import FOLDER

MESSAGES = [
    {"role": "user", "content": "Convert the text to speech:<|TEXT_UNDERSTANDING_START|><|TEXT_UNDERSTANDING_END|>"},
    {"role": "assistant", "content": "<|SPEECH_GENERATION_START|>"},
]

PIECES = ["<|s_3|>", "<|eot_id|>", " the", "你", "7", " Don't", " zyrian,", "café. ", "\u2039a\u203a", "§", " a", "-a'"]


@pytest.fixture(scope="module", params=["tiny", "nano"])
def folder(request: pytest.FixtureRequest, tiny_llasa: Path) -> Path:
    return tiny_llasa if request.param == "tiny" else FOLDER / "llasa"


@pytest.fixture(scope="module")
def both(folder: Path) -> tuple[LlasaTokenizer, Any]:
    return LlasaTokenizer.read(folder), AutoTokenizer.from_pretrained(folder)


@settings(max_examples=50)
@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES)).map("".join))
def test_ids_are_transformers(both: tuple[LlasaTokenizer, Any], text: str) -> None:
    ours, theirs = both
    ids = ours.encode(text)
    assert ids == theirs.encode(text, add_special_tokens=False)
    assert ours.decode(ids) == theirs.decode(ids)
    assert ours.reads(text) == (theirs.unk_token_id is None or theirs.unk_token_id not in ids)


@pytest.mark.parametrize("in_config", [False, True])
def test_the_template_is_rendered_as_transformers_does(folder: Path, tmp_path: Path, in_config: bool) -> None:
    folder = copytree(folder, tmp_path / "llasa")
    if in_config:  # as before version 5, with special tokens as objects
        config = json.loads((folder / "tokenizer_config.json").read_text())
        config["chat_template"] = (folder / "chat_template.jinja").read_text()
        config["bos_token"] = {
            "__type": "AddedToken",
            "content": config["bos_token"],
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
        }
        (folder / "chat_template.jinja").unlink()
        (folder / "tokenizer_config.json").write_text(json.dumps(config))
    theirs = AutoTokenizer.from_pretrained(folder).apply_chat_template(
        MESSAGES, tokenize=False, continue_final_message=True, date_string="26 Jul 2024"
    )
    assert LlasaTokenizer.read(folder).render(MESSAGES, date_string="26 Jul 2024") == theirs


def test_a_template_may_refuse(folder: Path, tmp_path: Path) -> None:
    folder = copytree(folder, tmp_path / "llasa")
    (folder / "chat_template.jinja").write_text("{{ raise_exception('no such role') }}")
    with pytest.raises(ValueError, match="no such role"):
        LlasaTokenizer.read(folder).render(MESSAGES)
