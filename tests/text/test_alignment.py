from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.text.alignment import TimedText, aligned, cut_like


def heard(words: str) -> list[TimedText]:
    return [TimedText(word, float(at), at + 1.0) for at, word in enumerate(words.split())]


@pytest.mark.parametrize(
    ("written", "words", "language", "times"),
    [
        ("It cost $5, Dr. Who.", "it cost five dollars doctor who", "en", [(0, 1), (1, 2), (2, 4), (4, 5), (5, 6)]),
        ("He said 25 things", "he said 25 things", "en", [(0, 1), (1, 2), (2, 3), (3, 4)]),
        ("a lovely wide world", "a world", "en", [(0, 1), (1, 1), (1, 1), (1, 2)]),
        ("one two", "one two three", "en", [(0, 1), (1, 2)]),
        ("他有25个，对。", "他 有 二 十 五 个 对", "zh", [(0, 1), (1, 2), (2, 5), (5, 6), (6, 7)]),
    ],
)
def test_written_words_have_the_times_of_those_heard(
    written: str, words: str, language: str, times: list[tuple[float, float]]
) -> None:
    assert [(word.start, word.end) for word in aligned(written, heard(words), language)] == times


def test_without_words_there_is_nothing_to_align() -> None:
    assert aligned("a", []) == []
    assert aligned("", heard("a")) == []


words = st.lists(st.sampled_from(["one", "5", "$5", "two,", "—", "three!", "你好。"]), max_size=12).map(" ".join)


@settings(deadline=None)
@given(words, words)
def test_every_written_word_is_timed_once_and_in_order(written: str, said: str) -> None:
    timed = aligned(written, heard(said))
    if said and written:
        assert "".join(word.text for word in timed) == written.replace(" ", "")
    assert all(word.start <= word.end for word in timed)
    assert all(before.start <= after.start for before, after in pairwise(timed))


@pytest.mark.parametrize(
    ("spoken", "written", "pieces"),
    [
        (["It cost five dollars,", "on the twelfth of May."], "It cost $5, on 12 May.", ["It cost $5,", "on 12 May."]),
        (["one", "two three"], "one  two\n\nthree", ["one", "two three"]),
        (["他来了。", "她走了。"], "他来了。她走了。", ["他来了。", "她走了。"]),
        (["three kilometers"], "3 km", ["3 km"]),
        (["", "a"], "a", ["", "a"]),
        (["a", "b"], "", ["", ""]),
        ([], "a", []),
    ],
)
def test_a_text_is_cut_where_its_spoken_form_is(spoken: list[str], written: str, pieces: list[str]) -> None:
    assert cut_like(spoken, written) == pieces


@given(st.lists(st.text("ab 1,.他", max_size=12), min_size=1, max_size=6), st.text("ab 1,.他", max_size=40))
def test_a_cut_loses_no_word(spoken: list[str], written: str) -> None:
    assert "".join("".join(cut_like(spoken, written)).split()) == "".join(written.split())
