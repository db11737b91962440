"""The prompts of all shipped profiles, token by token, against files that were checked by hand: see texts.toml."""

import json
import tomllib
from typing import Any

import numpy as np
import pytest

from deployments.llasa.prompt import PromptBuilder
from deployments.llasa.protocol import TakeRequest
from deployments.llasa.tokenizer import LlasaTokenizer
from deployments.llasa.vocabulary import Vocabulary
from deployments.profiles import PROFILES
from deployments.synthesis.plan import _FRAME
from scripts.golden_prompts import FOLDER, LLAMA, with_speech_tokens
from scripts.random_checkpoints.llasa import TEMPLATE

TEXTS: dict[str, dict[str, str]] = tomllib.loads((FOLDER / "texts.toml").read_text(encoding="utf-8"))["profiles"]
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
"""How Llama 3 splits a text before it merges bytes."""
NO_SPACE = {"add_prefix_space": False, "trim_offsets": True, "use_regex": False}


@pytest.fixture(scope="module")
def tokenizer() -> LlasaTokenizer:
    part = json.loads((FOLDER / "vocabulary.json").read_text(encoding="utf-8"))
    splits = [
        {"type": "Split", "pattern": {"Regex": SPLIT}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", **NO_SPACE},
    ]
    model: dict[str, Any] = {
        "version": "1.0",
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": splits},
        "decoder": {"type": "ByteLevel", **NO_SPACE},
        "model": {"type": "BPE", "ignore_merges": True, **part},
    }
    return LlasaTokenizer(with_speech_tokens(model), TEMPLATE, {"bos_token": "<|begin_of_text|>"})


@pytest.fixture(scope="module")
def vocabulary(tokenizer: LlasaTokenizer) -> Vocabulary:
    return Vocabulary.of(tokenizer.tokens, 193_800)


def golden(name: str) -> list[tuple[int, str]]:
    return [(id, token) for id, token in json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))]


def prompt_of(name: str, tokenizer: LlasaTokenizer, vocabulary: Vocabulary) -> list[int]:
    profile, entry = PROFILES[name], TEXTS[name]
    codes = np.array([5, 0, 65_535], np.int32)
    request = TakeRequest(entry["text"], entry["ref_text"], codes, instructions=entry.get("instructions", ""))
    prompts = PromptBuilder(tokenizer, vocabulary, profile.system, profile.normaliser)
    ids: list[int] = vocabulary.order[prompts.build(request)].tolist()
    return ids


def test_every_llasa_that_is_shipped_has_a_golden_prompt_and_no_other() -> None:
    assert TEXTS.keys() == PROFILES.keys() - {"nano"}
    assert {path.stem for path in FOLDER.glob("*.json")} == TEXTS.keys() | {"vocabulary"}


@pytest.mark.parametrize("name", TEXTS)
def test_the_prompt_of_a_profile_is_the_golden_one_token_by_token(
    name: str, tokenizer: LlasaTokenizer, vocabulary: Vocabulary
) -> None:
    ids = prompt_of(name, tokenizer, vocabulary)
    assert [(id, tokenizer.decode([id])) for id in ids] == golden(name)
    assert tokenizer.decode(ids) == TEXTS[name]["prompt"]


def test_the_frame_of_captions_leaves_the_tokens_that_the_plan_counts_with(
    tokenizer: LlasaTokenizer, vocabulary: Vocabulary
) -> None:
    prompts = PromptBuilder(tokenizer, vocabulary, "captions")
    assert len(prompts.build(TakeRequest(""))) <= _FRAME


def test_the_markers_have_the_ids_of_the_training_code(tokenizer: LlasaTokenizer) -> None:
    tokens = tokenizer.tokens
    assert tokens["<|TEXT_UNDERSTANDING_START|>"] == LLAMA + 2
    assert tokens["<|SPEECH_GENERATION_START|>"] == 128_260
    assert tokens["<|SPEECH_GENERATION_END|>"] == 128_261
    assert tokens["<|s_0|>"] == 128_264
    assert tokens["<|s_65535|>"] == 193_799
