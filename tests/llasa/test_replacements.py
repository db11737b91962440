"""Replacements that are looked up, against the library, which tries one after the other."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, normalizers

from deployments.llasa.replacements import read_tokenizer

LETTERS = "abcdefghijkl"
PAIRS = [left + right for left in LETTERS for right in LETTERS]
WORDS = [f"<{pair}>" for pair in PAIRS]
Steps = list[normalizers.Normalizer]


def file_of(folder: Path, steps: Steps) -> Path:
    tokenizer = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), *steps, normalizers.Strip()])
    file = folder / "tokenizer.json"
    tokenizer.save(str(file))
    return file


def words(content: str) -> Steps:
    return [normalizers.Replace(word, content.replace("*", word[1])) for word in WORDS]


def pairs(content: str) -> Steps:
    return [
        normalizers.Replace(Regex(f"(?<={pair[0]}){pair[1]}"), content.replace("*", pair[1]))
        for pair in reversed(PAIRS)
    ]


INDEPENDENT: dict[str, Steps] = {"words": words("(*)"), "both": [*words("*"), *pairs("-.*")], "pairs": pairs("--*")}
DEPENDENT: dict[str, Steps] = {
    "a word makes another": words("<a*>"),
    "a word breaks another": words("<*"),
    "a pair makes another": pairs("a*"),
    "a pair breaks another": pairs("*-"),
    "a word that is twice": [*words("x"), *words("y")],
    "no marks": [normalizers.Replace(pair, pair[1]) for pair in PAIRS],
}


@pytest.fixture(scope="module", params=[*INDEPENDENT, *DEPENDENT])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tokenizer, Tokenizer]:
    file = file_of(tmp_path_factory.mktemp("words"), (INDEPENDENT | DEPENDENT)[request.param])
    return read_tokenizer(file), Tokenizer.from_file(str(file))


@settings(max_examples=200, deadline=None)
@given(text=st.text("AbcdL<>- .*", max_size=30))
def test_a_text_is_normalised_as_the_library_does(both: tuple[Tokenizer, Tokenizer], text: str) -> None:
    ours, theirs = both
    assert ours.normalizer.normalize_str(text) == theirs.normalizer.normalize_str(text)


@pytest.mark.parametrize("name", INDEPENDENT)
def test_independent_replacements_are_looked_up(tmp_path: Path, name: str) -> None:
    assert len(read_tokenizer(file_of(tmp_path, INDEPENDENT[name])).normalizer) <= 4


def test_a_normalizer_with_few_replacements_is_the_librarys(tmp_path: Path) -> None:
    file = file_of(tmp_path, words("x")[:9])
    assert read_tokenizer(file).to_str() == Tokenizer.from_file(str(file)).to_str()
