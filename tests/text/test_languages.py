import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.text.languages import found_language, runs


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello 世界 and all", "en"),
        ("你好 5", "zh"),
        ("これは本です", "ja"),
        ("5，6。", "zh"),
        ("12", "en"),
        ("Привет", "en"),
    ],
)
def test_a_language_is_found_by_its_script(text: str, language: str) -> None:
    assert found_language(text) == language


def test_numbers_beside_chinese_belong_to_it() -> None:
    assert runs("我有 5 apples and 3 pears", "en") == [("我有 5 ", "zh"), ("apples and 3 pears", "en")]
    assert runs("25kg", "zh") == [("25kg", "zh")]
    assert runs("5 of them", "zh") == [("5 of them", "en")]
    assert runs("한국 5", "zh") == [("한국 5", "en")]


@given(st.text(max_size=100), st.sampled_from(["en", "zh", "ja", "de"]))
def test_runs_are_the_whole_line(line: str, language: str) -> None:
    assert "".join(part for part, _ in runs(line, language)) == line
