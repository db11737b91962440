"""Texts and files, and their chapters."""

import pytest

from deployments.errors import InvalidInput, InvalidText
from deployments.jobs.manuscript import Manuscript, read_file, read_text


def titles(manuscript: Manuscript) -> list[str]:
    return [chapter.title for chapter in manuscript.chapters]


def test_headings_of_markdown_begin_chapters() -> None:
    found = read_text("Before.\n\n# One\n\nText.\n\n### Not this\n\nMore.\n\n## Two ##\n\nEnd.", title="All")
    assert titles(found) == ["All", "One", "Two"]
    assert found.chapters[1].text == "# One\n\nText.\n\n### Not this\n\nMore.\n\n"


def test_chapter_lines_of_plain_text_begin_chapters() -> None:
    found = read_text("CHAPTER I. The Fox\n\nIt ran. Chapter 2 is near.\n\nChapter 2\n\nIt slept.\n\n第三章 犬\n\n终。")
    assert titles(found) == ["CHAPTER I. The Fox", "Chapter 2", "第三章 犬"]


def test_a_text_without_headings_is_one_chapter() -> None:
    assert titles(read_text("It ran.\n\nIt slept.", title="Fox")) == ["Fox"]
    assert titles(read_text("<speak>It ran.</speak>", "ssml")) == [""]


@pytest.mark.parametrize(
    ("data", "text"),
    [("Größe".encode(), "Größe"), ("Größe".encode("utf-16"), "Größe"), ("Größe".encode("cp1252"), "Größe")],
)
def test_text_files_are_read_in_the_encodings_that_editors_write(data: bytes, text: str) -> None:
    [chapter] = read_file(data, "story.txt").chapters
    assert (chapter.title, chapter.text) == ("story", text)


def test_a_page_of_html_has_its_headings_as_chapters() -> None:
    html = "<title>Tales</title><body>Before.<h1>One</h1><p>A &amp; b.<ul><li>c<li>d</ul><h2>Two</h2>End."
    found = read_file(html.encode(), "tales.html")
    assert (found.title, titles(found)) == ("Tales", ["Tales", "One", "Two"])
    assert found.chapters[1].text == "One\n\nA & b.\n\nc\n\nd"


@pytest.mark.parametrize("name", ["book.doc", "book", "", "../../x.exe", "epub"])
def test_other_files_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"must end in one of \.txt"):
        read_file(b"text", name)


def test_empty_and_endless_texts_are_refused() -> None:
    for text in (" \n", "a" * 5_000_001, "a\0b"):
        with pytest.raises(InvalidText):
            read_text(text)
