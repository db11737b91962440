from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from deployments.service.word_times import WordTime, character_times, word_times
from deployments.whisper.protocol import Word

HEARD = [Word("Hello", 0.1, 0.5, 1.0), Word("there", 0.6, 1.0, 1.0), Word("friend.", 1.2, 1.8, 1.0)]


def test_words_of_the_text_have_the_times_of_those_heard() -> None:
    assert word_times("Hello there, friend!", HEARD, 2.0) == [
        WordTime("Hello", 0.1, 0.5),
        WordTime("there,", 0.6, 1.0),
        WordTime("friend!", 1.2, 1.8),
    ]


def test_words_heard_differently_share_the_time_between_their_neighbours() -> None:
    found = word_times("Hello dear old friend!", HEARD, 2.0)
    assert [time.word for time in found] == ["Hello", "dear", "old", "friend!"]
    assert (found[1].start, found[2].end) == (0.5, 1.2)
    assert found[1].end == found[2].start == 0.9


def test_what_follows_the_last_word_heard_lasts_to_the_end() -> None:
    assert word_times("Hello there, friend! Bye.", HEARD, 2.0)[-1] == WordTime("Bye.", 1.8, 2.0)


def test_chinese_has_a_time_for_each_character() -> None:
    found = word_times("你好，世界。", [Word("你好", 0.0, 1.0, 1.0), Word("世界", 1.0, 2.0, 1.0)], 2.0)
    assert found[:2] == [WordTime("你", 0.0, 0.5), WordTime("好，", 0.5, 1.0)]
    assert [time.word for time in found[2:]] == ["世", "界。"]


def test_nothing_heard_gives_no_times() -> None:
    assert word_times("Hello", [], 1.0) == []
    assert word_times("...", HEARD, 1.0)[0].word == "..."


def test_characters_share_the_time_of_their_word() -> None:
    starts, ends = character_times("ab c", [WordTime("ab", 0.0, 1.0), WordTime("c", 2.0, 3.0)])
    assert starts == [0.0, 0.5, 1.0, 2.0]
    assert ends == [0.5, 1.0, 1.0, 3.0]


@given(
    st.text(st.sampled_from("ab c,.!你好 \n"), max_size=40),
    st.lists(st.sampled_from(["ab", "c", "你好", "x"]), max_size=8),
)
def test_times_never_go_back_and_no_word_is_lost(text: str, heard: list[str]) -> None:
    words = [Word(word, float(n), n + 0.8, 1.0) for n, word in enumerate(heard)]
    times = word_times(text, words, len(heard) + 0.5)
    if times:
        assert "".join(time.word for time in times) == "".join(text.split())
        starts, ends = character_times(text, times)
        assert len(starts) == len(ends) == len(text)
    assert all(time.start <= time.end for time in times)
    assert all(first.end <= second.start for first, second in pairwise(times))
