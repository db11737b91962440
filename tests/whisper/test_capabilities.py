import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deployments.nano.weights import verified
from deployments.whisper.capabilities import Capabilities
from deployments.whisper.transcriber import WhisperTranscriber

TOKENS = ("<|en|>", "<|de|>", "<|transcribe|>", "<|translate|>", "<|startofprev|>")


def model(*tokens: str, multilingual: bool = True) -> Any:
    ids = {token: number for number, token in enumerate(tokens)}
    return SimpleNamespace(
        hf_tokenizer=SimpleNamespace(token_to_id=ids.get),
        model=SimpleNamespace(is_multilingual=multilingual),
        supported_languages=["en", "yue", "de"] if multilingual else ["en"],
    )


def test_a_checkpoint_can_do_what_its_tokenizer_has_tokens_for(tmp_path: Path) -> None:
    assert Capabilities.of(model(*TOKENS), tmp_path) == Capabilities(("de", "en"))
    assert not Capabilities.of(model("<|en|>", "<|translate|>"), tmp_path).takes_prompt
    assert not Capabilities.of(model("<|en|>", "<|startofprev|>"), tmp_path).translates


def test_a_checkpoint_of_english_alone_does_not_translate(tmp_path: Path) -> None:
    english = Capabilities.of(model("<|translate|>", "<|startofprev|>", multilingual=False), tmp_path)
    assert english == Capabilities(("en",), translates=False)


@pytest.mark.parametrize(
    ("config", "takes_prompt"),
    [({"prev_sot_token_id": None}, False), ({"prev_sot_token_id": 50362}, True), ({}, True), ([], True), ("{", True)],
)
def test_a_generation_config_may_say_that_no_prompt_is_taken(tmp_path: Path, config: Any, takes_prompt: bool) -> None:
    text = config if isinstance(config, str) else json.dumps(config)
    (tmp_path / "generation_config.json").write_text(text)
    assert Capabilities.of(model(*TOKENS), tmp_path).takes_prompt is takes_prompt


def test_the_embedded_checkpoint_transcribes_english_and_takes_prompts() -> None:
    transcriber = WhisperTranscriber.load(str(verified("whisper")), cpu_threads=1)
    transcriber.close()
    assert transcriber.capabilities == Capabilities(("en",), translates=False)
