import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.errors import InvalidInput
from deployments.text.pronunciation import LONGEST, MOST, Pronunciation, Pronunciations

ENTRIES = Pronunciations(
    [
        Pronunciation("SQL", "sequel", case=True),
        Pronunciation("New York", "noo york"),
        Pronunciation("York", "yark"),
        Pronunciation("C++", "see plus plus"),
        Pronunciation("重庆", "虫庆"),
        Pronunciation("chat", "shah", language="fr"),
        Pronunciation("Ann", "anne", voice="bella"),
    ]
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SQL and sql, MySQL", "sequel and sql, MySQL"),
        ("new  york, York, Yorkshire", "noo york, yark, Yorkshire"),
        ("C++ or C+", "see plus plus or C+"),
        ("我在重庆市", "我在虫庆市"),
        ("a chat with Ann", "a chat with Ann"),
    ],
)
def test_whole_words_are_replaced_the_longest_first(text: str, said: str) -> None:
    assert ENTRIES.apply(text) == said


def test_entries_apply_in_their_language_and_to_their_voice() -> None:
    assert ENTRIES.apply("le chat", "fr") == "le shah"
    assert ENTRIES.apply("le chat", "auto") == "le shah"
    assert ENTRIES.apply("Ann", voice="bella") == "anne"


def test_what_was_replaced_is_not_replaced_again() -> None:
    assert Pronunciations([Pronunciation("a", "b"), Pronunciation("b", "a")]).apply("a b") == "b a"


def test_the_particular_entry_and_then_the_last_one_takes_precedence() -> None:
    entries = [Pronunciation("a", "x", voice="v"), Pronunciation("a", "y"), Pronunciation("a", "z")]
    assert Pronunciations(entries).apply("a", voice="v") == "x"
    assert Pronunciations(entries).apply("a") == "z"


def test_no_entries_change_nothing() -> None:
    assert Pronunciations([]).apply("as it is") == "as it is"


def test_entries_are_bounded() -> None:
    with pytest.raises(InvalidInput, match=f"at most {MOST}"):
        Pronunciations([Pronunciation(f"t{number}", "x") for number in range(MOST + 1)])
    with pytest.raises(InvalidInput, match="empty"):
        Pronunciation(" ", "x")
    with pytest.raises(InvalidInput, match=f"{LONGEST}"):
        Pronunciation("x", "y" * (LONGEST + 1))


@given(st.lists(st.tuples(st.text(min_size=1, max_size=5), st.text(max_size=5)), max_size=8), st.text(max_size=60))
def test_any_terms_and_texts_are_taken(pairs: list[tuple[str, str]], text: str) -> None:
    entries = Pronunciations([Pronunciation(term, said) for term, said in pairs if term.strip()])
    assert isinstance(entries.apply(text), str)
