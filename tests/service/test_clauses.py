import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.service.clauses import Granularity, Splitter, Unit


def split(*pieces: str, granularity: Granularity = "sentence", longest: int = 5000) -> list[str]:
    splitter = Splitter(granularity, longest)
    units = [unit for piece in pieces for unit in splitter.add(piece)]
    return [unit.text for unit in [*units, *splitter.finish()]]


def words(text: str) -> list[str]:
    return [f"{word} " for word in text.split()]


TEXT = "Good morning everyone, this is the first sentence, and it is long. Here is the second, with a clause."


def test_speech_begins_with_the_first_clause_and_goes_on_by_sentences() -> None:
    assert split(*words(TEXT)) == [
        "Good morning everyone,",
        "this is the first sentence, and it is long.",
        "Here is the second, with a clause.",
    ]


def test_clauses_are_units_on_request() -> None:
    found = split(*words(TEXT), granularity="clause")
    assert found[1:3] == ["this is the first sentence,", "and it is long."]


def test_an_utterance_is_one_unit_on_request() -> None:
    assert split(*words(TEXT), granularity="none") == [TEXT]


def test_a_unit_is_returned_as_soon_as_it_is_complete() -> None:
    splitter = Splitter("sentence", 5000)
    assert splitter.add("Good morning everyone") == []
    assert splitter.add(",") == [Unit("Good morning everyone,", 0.15)]
    assert splitter.add(" this is the rest of it!") == [Unit("this is the rest of it!", 0.35)]
    assert splitter.pending == 0


@pytest.mark.parametrize("piece", ["Good morning everyone.", "We have paid 1,", "Look at https:", "They were 17!"])
def test_an_end_that_the_next_piece_may_change_is_waited_for(piece: str) -> None:
    assert Splitter("clause", 5000).add(piece) == []


def test_abbreviations_and_numbers_end_nothing() -> None:
    assert split(*words("Dr. Smith paid 10,000 dollars to Mr. Miller.")) == [
        "Dr. Smith paid 10,000 dollars to Mr. Miller."
    ]


def test_short_exclamations_are_joined_to_what_follows() -> None:
    assert split(*words("Oh, I see what you mean. Yes. Of course it is.")) == [
        "Oh, I see what you mean.",
        "Yes. Of course it is.",
    ]


def test_chinese_sentences_need_no_spaces() -> None:
    assert split("今天天气很好。我们出去", "走走吧。好") == ["今天天气很好。", "我们出去走走吧。", "好"]


def test_a_text_without_any_end_is_cut_at_a_space() -> None:
    found = split("word " * 30, longest=50)
    assert "".join(f"{unit} " for unit in found).split() == ["word"] * 30
    assert max(map(len, found)) <= 50


@given(
    st.lists(st.text(st.sampled_from("abc ,.;!?\n。，1'\"-")), max_size=30),
    st.sampled_from(["none", "sentence", "clause"]),
)
def test_no_character_is_lost_or_repeated(pieces: list[str], granularity: Granularity) -> None:
    found = split(*pieces, granularity=granularity, longest=40)
    assert "".join("".join(found).split()) == "".join("".join(pieces).split())
    assert all(unit.strip() == unit != "" for unit in found)
