from deployments.speech.captions import captions, cues
from deployments.speech.events import Part
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
