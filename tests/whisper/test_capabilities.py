from types import SimpleNamespace
from typing import Any

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


def test_a_checkpoint_can_do_what_its_tokenizer_has_tokens_for() -> None:
    assert Capabilities.of(model(*TOKENS)) == Capabilities(("de", "en"))
    assert not Capabilities.of(model("<|en|>", "<|translate|>")).takes_prompt
    assert not Capabilities.of(model("<|en|>", "<|startofprev|>")).translates


def test_a_checkpoint_of_english_alone_does_not_translate() -> None:
    english = Capabilities.of(model("<|translate|>", "<|startofprev|>", multilingual=False))
    assert english == Capabilities(("en",), translates=False)


def test_the_embedded_checkpoint_transcribes_english_and_takes_prompts() -> None:
    transcriber = WhisperTranscriber.load(str(verified("whisper")), cpu_threads=1)
    transcriber.close()
    assert transcriber.capabilities == Capabilities(("en",), translates=False)
