import numpy as np
import pytest
from tokenizers import Tokenizer, models

from deployments.errors import Unavailable
from deployments.llasa.vocabulary import Vocabulary
from scripts.random_checkpoints.llasa import MARKERS


def ids(*added: str) -> dict[str, int]:
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "b": 1}, unk_token="a"))
    tokenizer.add_tokens(list(added))
    return dict(tokenizer.get_vocab())


def test_codes_come_first_then_end_then_the_rest() -> None:
    vocabulary = Vocabulary.of(ids(*MARKERS, "<|s_0|>", "<|s_1|>", "<|s_2|>"), size=15)
    assert vocabulary.codec_size == 3
    assert vocabulary.order[:4].tolist() == [10, 11, 12, 7]
    assert vocabulary.end == 3
    assert sorted(vocabulary.order) == list(range(15))
    assert np.array_equal(vocabulary.order[vocabulary.engine_ids], np.arange(15))


def test_a_tokenizer_without_llasas_markers_is_refused() -> None:
    with pytest.raises(Unavailable, match="not a Llasa"):
        Vocabulary.of(ids("<|s_0|>"), size=3)
    with pytest.raises(Unavailable, match="lacks speech tokens"):
        Vocabulary.of(ids(*MARKERS), size=10)


def test_speech_tokens_with_a_gap_are_refused() -> None:
    with pytest.raises(Unavailable, match="not contiguous"):
        Vocabulary.of(ids(*MARKERS, "<|s_0|>", "<|s_2|>", "<|s_1|>"), size=13)
