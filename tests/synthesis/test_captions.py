from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.synthesis.captions import captions, cues, with_written_words
from deployments.synthesis.events import Part
from deployments.whisper.protocol import Segment, Word


def part(words: str, start: float, seconds: float = 0.4) -> Part:
    timed = tuple(
        Word(word, start + n * seconds, start + (n + 1) * seconds, 1.0) for n, word in enumerate(words.split())
    )
    return Part(words, start, len(timed) * seconds, "stop", 0, 1, None, words, 0.0, timed)


def test_lines_are_narrow_and_short_and_hold_every_word_once() -> None:
    parts = [part("never more than so many words in a line because nobody could read them", 0), part("and then", 8)]
    lines = captions(parts)
    assert [word for line in lines for word in line.words] == [word for part in parts for word in part.words]
    assert all(len(line.text) <= 42 and line.end - line.start <= 6 for line in lines)
    assert len(lines) == 3
    assert (lines[-1].text, lines[-1].start) == ("and then", 8)


def test_slow_words_get_lines_of_their_own() -> None:
    assert [line.text for line in captions([part("very slow", 0, seconds=5)])] == ["very", "slow"]


def timed(*words: tuple[str, float, float]) -> tuple[Word, ...]:
    return tuple(Word(*word, 1.0) for word in words)


GREETING = timed(("Good", 0, 0.3), ("morning.", 0.3, 0.9), ("The", 3.9, 4.1), ("train", 4.1, 4.4), ("leaves.", 4.4, 5))
CUES = [("Good morning.", 0, 0.9), ("The train leaves.", 3.9, 5)]


def test_a_pause_ends_a_line_of_a_transcript_and_of_a_speech() -> None:
    transcript = cues([Segment("Good morning. The train leaves.", 0, 5, GREETING)])
    assert [(line.text, line.start, line.end) for line in transcript] == CUES
    speech = captions([Part("", 0, 5.4, "stop", 0, 1, None, "", 0.0, GREETING)])
    assert [(line.text, line.start, line.end) for line in speech] == CUES


@pytest.mark.parametrize(("gap", "count"), [(0.3, 1), (0.5, 2), (2, 2)])
def test_a_line_goes_on_over_a_short_gap(gap: float, count: int) -> None:
    assert len(cues([Segment("", 0, 9, timed(("one", 0, 1), ("two", 1 + gap, 2 + gap)))])) == count


def test_a_short_line_stands_long_enough_to_be_read_but_not_into_the_next_or_past_the_end() -> None:
    words = timed(("Yes.", 1, 1.1), ("No.", 3, 3.2), ("Oh!", 3.7, 3.8), ("Well.", 9.8, 9.9))
    lines = cues([Segment("", 1, 9.9, words)], 10)
    assert [(line.start, line.end) for line in lines] == [(1, 1.833), (3, 3.7), (3.7, 4.533), (9.8, 10)]


@given(
    st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3), st.text("ab", min_size=1, max_size=12)), max_size=30),
    st.floats(0, 60),
)
def test_every_line_has_a_duration_and_every_word_is_in_one(pieces: list[tuple[float, float, str]], end: float) -> None:
    words, time = [], 0.0
    for gap, length, text in pieces:
        words.append(Word(text, time + gap, time + gap + length, 1.0))
        time += gap + length
    lines = cues([Segment("", 0, time, tuple(words))], end)
    assert [word for line in lines for word in line.words] == words
    assert all(line.start < line.end for line in lines)
    assert all(after.start - before.end < 0.5 for line in lines for before, after in pairwise(line.words))


def test_scripts_without_spaces_are_written_without() -> None:
    assert captions([part("你 好 世 界", 0)])[0].text == "你好世界"
    assert captions([part("今天 我们， 去 公园", 0)])[0].text == "今天我们，去公园"


def test_spaces_stand_between_words_of_scripts_that_have_them() -> None:
    assert captions([part("我们 use Python 写 code", 0)])[0].text == "我们use Python写code"
    assert captions([part("나 는 갔다", 0)])[0].text == "나 는 갔다"


def test_where_nobody_listened_there_are_none() -> None:
    assert captions([part("", 0)]) == ()


def test_a_transcripts_segments_are_divided_where_their_words_are_known() -> None:
    long = part("half a minute of speech in a single segment is more than anybody reads at once", 3).words
    lines = cues([Segment("half a minute", 3, 9, long), Segment("of unknown words", 9, 39)])
    assert [word for line in lines for word in line.words] == list(long)
    assert [(line.text, line.start, line.end) for line in lines[-2:]] == [
        ("segment is more than anybody reads at once", 6.2, 9.4),
        ("of unknown words", 9, 39),
    ]


def test_captions_show_the_written_text_at_the_times_of_the_words_heard() -> None:
    parts = (part("it cost five dollars", 0), part("dr who paid", 5))
    written = with_written_words(parts, "It cost $5: Dr. Who paid.")
    assert [[word.text for word in part.words] for part in written] == [["It", "cost", "$5:"], ["Dr.", "Who", "paid."]]
    assert [(line.text, line.start) for line in captions(written)] == [("It cost $5:", 0), ("Dr. Who paid.", 5)]


def test_parts_of_which_nothing_was_heard_stay_without_words() -> None:
    assert with_written_words((part("", 0),), "Anything") == (part("", 0),)
