from time import process_time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deployments.errors import InvalidText
from deployments.synthesis.pace import Pace
from deployments.synthesis.plan import FIRST, LONGEST, Budget, plan
from deployments.text.boundary import MOST_REPEATS
from deployments.text.script import Script, Segment
from deployments.voices.reference import Reference

STORY = (
    "Dr. Smith paid 3.50 dollars, i.e. almost nothing, on Jan. 5 to J. R. Jones. He was glad! Was she? "
    "She read https://example.org/a.b?c=d,e;f and left... The U.S. firm had 10 000 people, 1,000,000 ideas; "
    "it sold none of them, which surprised nobody who had met the people. "
) * 5
ZH = "今天天气很好，我们去公园散步吧。你觉得怎么样？我觉得可以！价格是3.14元、很便宜；" * 8


def texts(text: str, budget: Budget = Budget()) -> list[str]:
    return [chunk.text for chunk in plan(text, budget)]


def spoken(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


budgets = st.builds(Budget, st.builds(Pace, st.floats(0.7, 1.5)), st.integers(150, 1900))
anything = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=600)
worded = st.lists(
    st.sampled_from(
        [
            "no",
            "no",
            "Hello",
            "3.14",
            "10 000",
            "e.g.",
            "https://a.b/c?d=1.2,3",
            "你好",
            "。",
            "，",
            ".",
            "! ",
            ", ",
            "\n\n",
            "…",
        ]
    ),
    min_size=1,
    max_size=200,
).map(" ".join)


@settings(deadline=None)
@given(anything | worded, budgets)
@example("a" + "\u0301" * 3000, Budget(room=150))
@example("x" * 5000, Budget())
@example("哈" * 300, Budget(room=150))
def test_nothing_is_lost_doubled_or_moved_and_every_chunk_fits(text: str, budget: Budget) -> None:
    chunks = plan(text, budget)
    assert spoken("".join(chunk.text for chunk in chunks)) == spoken(text)
    assert all(budget.fits(chunk.text) for chunk in chunks)
    assert all(chunk.text == chunk.text.strip() for chunk in chunks)
    if spoken(text):
        assert all(spoken(chunk.text) for chunk in chunks)
    assert chunks[-1].pause == 0
    assert all(chunk.pause > 0 for chunk in chunks[:-1])


@pytest.mark.parametrize("text", [STORY, ZH, STORY + ZH, "Hello there.", "你好。"])
def test_ordinary_text_keeps_every_character_but_the_spaces_between_chunks(text: str) -> None:
    assert "".join("".join(texts(text)).split()) == "".join(text.split())


@pytest.mark.parametrize("budget", [Budget(), Budget(room=500), Budget(room=400)])
def test_numbers_abbreviations_and_addresses_stay_whole(budget: Budget) -> None:
    cut = texts(STORY, budget)
    assert len(cut) > 5
    for whole in ["3.50", "i.e.", "https://example.org/a.b?c=d,e;f", "U.S.", "10 000", "1,000,000"]:
        assert sum(chunk.count(whole) for chunk in cut) == STORY.count(whole)
    assert sum(chunk.count("3.14") for chunk in texts(ZH, budget)) == ZH.count("3.14")


def test_cuts_fall_at_sentences_where_they_can() -> None:
    cut = texts(STORY)
    assert all(chunk.endswith((".", "!", "?")) for chunk in cut[1:])
    assert not any(chunk.endswith(("Dr.", "Jan.", "J.", "R.", "i.e.", "U.S.")) for chunk in cut)
    assert all(chunk[-1] in "。？！；" for chunk in texts(ZH))


def test_a_short_text_is_one_chunk_and_a_long_ones_first_is_short() -> None:
    assert texts("Good morning. How are you? I am well.") == ["Good morning. How are you? I am well."]
    cut = texts(STORY)
    assert Pace().codes(cut[0]) <= FIRST < Pace().codes(cut[1]) <= LONGEST


def test_paragraphs_end_chunks_and_rest_longer_than_sentences() -> None:
    chunks = plan("One here.\n\nTwo there.\n\n" + STORY, Budget())
    assert [chunk.text for chunk in chunks[:2]] == ["One here.", "Two there."]
    assert chunks[0].pause > chunks[3].pause > 0


def test_a_slow_voice_gets_shorter_chunks() -> None:
    assert len(plan(STORY, Budget(Pace(1.5)))) > len(plan(STORY, Budget(Pace(0.7))))


@pytest.mark.parametrize(
    "text",
    [
        "no " * 12 + "end",
        "No, no, no, no, no, no, no!",
        "哈" * 9,
        "好，" * 7,
        "bye bye " * 6 + "now",
        '"No," ' * 8,
        "go; " * 8,
        "go: " * 8,
        "ha-" * 8,
        "very — " * 8 + "good",
        "नहीं " * 8,
    ],
)
def test_a_word_said_six_times_and_more_is_parted(text: str) -> None:
    word = text[:3].strip(', "').lower()
    word = word if word[0].isascii() else word[0]
    cut = texts(text)
    assert max(chunk.lower().count(word) for chunk in cut) <= 2 * MOST_REPEATS
    assert len(cut) > 1
    assert spoken("".join(cut)) == spoken(text)


@pytest.mark.parametrize("phrase", ["thank you", "I love you,", "you know, I mean,", "你好吗朋友，", "정말 감사합니다"])
def test_a_phrase_said_six_times_and_more_is_parted_where_it_begins(phrase: str) -> None:
    text = f"{phrase} " * 8
    cut = texts(text)
    assert max(chunk.count(phrase) for chunk in cut) <= MOST_REPEATS
    assert sum(chunk.count(phrase) for chunk in cut) == 8
    assert texts("Well, thank you, " + "I love you, " * 7)[-1].startswith("I love you")


@pytest.mark.parametrize(
    "text",
    [
        "no no no no no",
        "https://a.b/no/no/no/no/no/no/no",
        "1,111,111,111,111,111,111",
        "1000000 and 111111",
        "mmmmmmmm",
        "The the cat",
    ],
)
def test_what_is_said_less_often_or_is_one_word_is_left_whole(text: str) -> None:
    assert texts(text) == [text]


@pytest.mark.parametrize("number", ["10 000", "1 234 567", "25 1 234"])
def test_a_long_row_of_spaced_numbers_is_cut_between_them(number: str) -> None:
    cut = texts(f"{number} " * 40, Budget(room=600))
    assert sum(chunk.count(number) for chunk in cut) == 40


def test_a_row_of_digits_too_long_for_a_number_is_cut_between_its_groups() -> None:
    groups = [str(100 + 7 * n % 900) for n in range(100)]
    assert " ".join(texts(" ".join(groups))).split() == groups


@pytest.mark.parametrize(
    "sentence", ["كيف حالك اليوم؟", "यह एक वाक्य है।", "یہ ایک جملہ ہے۔", "ሰላም ነው።", "Բարեւ ձեզ։", "Il dit « oui. »"]
)
def test_sentences_of_many_scripts_are_parted_at_their_ends(sentence: str) -> None:
    assert set("".join(chunk[-1] for chunk in texts(f"{sentence} " * 5 * 5, Budget(room=400)))) == {sentence[-1]}


@pytest.mark.parametrize("clause", ["السلام عليكم،", "السلام عليكم؛", "ሰላም ነው፣"])
def test_long_sentences_are_parted_at_clauses(clause: str) -> None:
    assert all(chunk.endswith(clause[-1]) for chunk in texts(f"{clause} " * 5 * 5, Budget(room=400)))


@pytest.mark.parametrize(
    "text",
    [
        "x" * 2500 + " " + ". " * 1250,
        ". " * 2500,
        "!" * 2500 + '"' * 2500,
        "." + " " * 4998 + "x",
        "no " * 1600,
        "a b c d " * 620,
        "111 " * 1250,
        "好，" * 2500,
    ],
)
def test_no_text_takes_more_than_its_length_deserves(text: str) -> None:
    started = process_time()
    plan(text, Budget())
    assert process_time() - started < 10  # what is not linear takes minutes


def test_a_row_of_dots_is_a_pause() -> None:
    assert spoken("".join(texts("Wait.\n\n...\n\nNow."))) == "WaitNow"
    assert len(texts("Wait.\n\n...\n\nNow.")) == 2


def reference(codes: int, text: str = "A reference.") -> Reference:
    return Reference(np.zeros(codes, np.int32), text)


def test_a_long_reference_leaves_chunks_that_still_fit_the_window() -> None:
    budget = Budget.beside(reference(1600, "word " * 20), "Speak")
    for chunk in plan(STORY, budget):
        assert 1600 + 100 + len(chunk.text) + 1.5 * budget.pace.codes(chunk.text) < 2048


def test_a_reference_that_fills_the_window_is_refused() -> None:
    with pytest.raises(InvalidText, match="of the model's 2048 tokens"):
        Budget.beside(reference(1900), "Speak")


@pytest.mark.parametrize("end", ["...", "…", "?!", "! 😀", "!😀👍🏽", '."', ".)"])
def test_sentences_end_with_more_than_a_full_stop(end: str) -> None:
    sentence = f"And so it went on for a while until nobody cared{end}"
    cut = texts(f"{sentence} " * 12)
    assert len(cut) > 1
    assert all(chunk.endswith(end) for chunk in cut)


def script(text: str) -> Script:
    return Script.of([Segment(text)])


def test_a_script_is_cut_at_its_pauses_and_voices() -> None:
    chunks = plan(script("[pause:1s] One. [pause:2s] Two. [voice:ann] Three.[/voice] Four. [pause:0.5s]"), Budget())
    assert [(chunk.text, chunk.pause, chunk.voice, chunk.before) for chunk in chunks] == [
        ("One.", 2, None, 1),
        ("Two.", 0.35, None, 0),
        ("Three.", 0.35, "ann", 0),
        ("Four.", 0.5, None, 0),
    ]


def test_what_differs_only_in_its_captions_shares_a_take() -> None:
    chunks = plan(Script((Segment("The"), Segment("World Wide Web", written="WWW"), Segment(", so."))), Budget())
    assert [chunk.text for chunk in chunks] == ["The World Wide Web, so."]


def test_each_voice_of_a_script_has_its_own_budget_and_only_its_beginning_is_short() -> None:
    chunks = plan(script(f"Hello. [voice:slow]{STORY}[/voice]"), Budget(), {"slow": Budget(Pace(1.5))})
    slow = [chunk.text for chunk in chunks if chunk.voice == "slow"]
    assert Pace(1.5).codes(slow[0]) > FIRST
    assert all(Budget(Pace(1.5)).fits(text) for text in slow)
    assert len(slow) > len(plan(script(f"Hello. [voice:slow]{STORY}"), Budget())) - 1


def test_a_script_with_nothing_to_speak_has_no_chunks() -> None:
    assert plan(script("... [pause:1s] 😀"), Budget()) == ()
    assert [chunk.pause for chunk in plan(script("One ... [pause:1s] ! [pause:3s]"), Budget())] == [3]


tagged = st.lists(st.sampled_from(["One.", "two", "[pause:1s]", "[voice:a]", "[/voice]", "...", "三。"]), max_size=20)


@given(tagged.map(" ".join))
def test_a_script_loses_nothing(text: str) -> None:
    made = script(text)
    chunks = plan(made, Budget())
    assert spoken("".join(chunk.text for chunk in chunks)) == spoken(made.text)
    assert all(spoken(chunk.text) for chunk in chunks)
