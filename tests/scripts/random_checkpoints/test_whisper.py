from pathlib import Path

import numpy as np

from scripts.random_checkpoints.whisper import WORDS, write_whisper

NOISE = (0.1 * np.random.default_rng(0).standard_normal(3 * 16_000)).astype(np.float32)


def test_the_same_seed_writes_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_whisper(tmp_path / name, seed=seed)
    a, b, c = ((tmp_path / name / "model.bin").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_faster_whisper_loads_it_as_multilingual_and_it_detects_english(tiny_whisper: Path) -> None:
    from faster_whisper import WhisperModel

    model = WhisperModel(str(tiny_whisper), device="cpu", cpu_threads=1)
    _, info = model.transcribe(NOISE)
    assert "zh" in model.supported_languages
    assert info.language == "en"
    assert info.language_probability > 0.9


def test_it_says_its_words_once_with_times_and_ends(tiny_whisper: Path) -> None:
    from faster_whisper import WhisperModel

    model = WhisperModel(str(tiny_whisper), device="cpu", cpu_threads=1)
    for language in ("en", "de"):
        found, _ = model.transcribe(NOISE, language=language)
        assert [segment.text.split() for segment in found] == [list(WORDS)]
    timed, _ = model.transcribe(NOISE, word_timestamps=True)
    words = [word for segment in timed for word in segment.words or ()]
    assert [word.word.strip() for word in words[: len(WORDS)]] == list(WORDS)
    assert all(0 <= word.start <= word.end <= 3 for word in words)
