"""Outlines of documents."""

from deployments.jobs.manuscript import read_text
from deployments.jobs.outline import Outline

SENTENCE = "The old man walked to the river, where he liked to sit. "


def test_an_outline_numbers_the_chapters_and_estimates_their_time() -> None:
    book = read_text(f"# One\n\n{SENTENCE}\n\n# Two\n\n{SENTENCE * 10}", "markdown", "Tale")
    found = Outline.of(book)
    assert (found.title, found.author) == ("Tale", None)
    assert [(chapter.number, chapter.title) for chapter in found.chapters] == [(1, "One"), (2, "Two")]
    one, two = found.chapters
    assert 2 < one.seconds < 6
    assert 7 < two.seconds / one.seconds < 10
    assert found.seconds == one.seconds + two.seconds
    assert one.characters + two.characters == sum(len(chapter.text) for chapter in book.chapters)


def test_the_paragraph_to_try_is_the_first_long_one_in_whole_sentences() -> None:
    assert Outline.of(read_text(f"Short.\n\n{SENTENCE * 20}\n\n{SENTENCE * 2}")).paragraph == (SENTENCE * 7).strip()
    assert Outline.of(read_text("Short.\n\nShorter")).paragraph == "Shorter"
