"""Reads texts and files to be spoken, and finds their chapters."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Final

from deployments.errors import InvalidInput, InvalidText
from deployments.jobs.pages import read_page
from deployments.jobs.subtitles import Cue, read_subtitles
from deployments.text.checks import check_text
from deployments.text.markdown import is_markdown
from deployments.text.markup import InputFormat

LONGEST: Final = 5_000_000
"""Maximum characters of a text."""
SUFFIXES: Final = (
    *(".txt", ".text", ".md", ".markdown", ".html", ".htm", ".xhtml", ".epub", ".docx", ".pdf", ".srt", ".vtt"),
)
"""Of files that can be read."""
_MARKDOWN_HEADING: Final = re.compile(r"^#{1,2} +(?P<title>\S.*?)(?: +#+)? *$", re.MULTILINE)
_PLAIN_HEADING: Final = re.compile(
    r"(?:\A|(?<=\n\n))[ \t]*(?P<title>(?:chapter|part|kapitel|chapitre|cap[ií]tulo|capitolo|hoofdstuk)[ \t]+"
    r"(?:\d{1,4}|[ivxlcdm]{1,10})\b.{0,100}|第[\d一二三四五六七八九十百零]{1,8}[章回节節].{0,100})$",
    re.MULTILINE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter as it was written."""

    title: str
    text: str
    format: InputFormat | None = None
    """Its markup; None: the request's."""
    cues: tuple[Cue, ...] = ()
    """When the text is spoken; empty: one sentence after the other."""


@dataclass(frozen=True, slots=True)
class Manuscript:
    """A text to be spoken."""

    chapters: tuple[Section, ...]
    title: str | None = None
    author: str | None = None
    cover: bytes | None = None
    """A JPEG or PNG."""
    warnings: tuple[str, ...] = ()

    def only(self, numbers: Collection[int] | None) -> "Manuscript":
        """Returns it with the chapters of some numbers, from 1; None: all.

        Raises:
            InvalidInput: there is no such chapter, or no number.
        """
        if numbers is None:
            return self
        if not numbers:
            raise InvalidInput("Choose at least one chapter.", "chapters")
        if missing := {*numbers} - {*range(1, len(self.chapters) + 1)}:
            raise InvalidInput(f"There is no chapter {min(missing)}: {len(self.chapters)} in all.", "chapters")
        return replace(self, chapters=tuple(self.chapters[number - 1] for number in sorted({*numbers})))

    def named(self, title: str | None, author: str | None) -> "Manuscript":
        """Returns it with the given title and author instead of its own."""
        return replace(self, title=title or self.title, author=author or self.author)


def read_text(text: str, input_format: InputFormat = "auto", title: str | None = None) -> Manuscript:
    """Returns a text with its chapters: headings of Markdown, or lines such as "Chapter 1" after an empty line.

    Raises:
        InvalidText: it is empty, too long, or has a control character.
    """
    text = check_text(text.replace("\r\n", "\n"), LONGEST, "input")
    if input_format == "markdown" or (input_format == "auto" and is_markdown(text)):
        return Manuscript(_cut(text, _MARKDOWN_HEADING, title, "markdown"), title)
    if input_format in ("auto", "plain"):
        return Manuscript(_cut(text, _PLAIN_HEADING, title, None), title)
    return Manuscript((Section(title or "", text),), title)


def heads_chapter(line: str) -> bool:
    """Returns whether a line of plain text begins a chapter."""
    return bool(_PLAIN_HEADING.fullmatch(line))


def read_file(data: bytes, name: str) -> Manuscript:
    """Returns the text of a file, by its suffix.

    Raises:
        InvalidInput: it is none of these, or damaged.
        InvalidText: its text is empty or too long.
    """
    path = PurePath(name)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidInput(f"The file must end in one of {', '.join(SUFFIXES)}.", "file")
    if suffix == ".epub":
        from deployments.jobs.epub import read_epub

        return _checked(read_epub(data))
    if suffix == ".docx":
        from deployments.jobs.docx import read_docx

        return _checked(read_docx(data))
    if suffix == ".pdf":
        from deployments.jobs.pdf import read_pdf

        return _checked(read_pdf(data))
    text = decoded(data)
    if suffix in (".srt", ".vtt"):
        cues = read_subtitles(text)
        return _checked(
            Manuscript((Section(path.stem, "\n".join(cue.text for cue in cues), "plain", cues),), path.stem)
        )
    if suffix in (".html", ".htm", ".xhtml"):
        page = read_page(text)
        return _checked(Manuscript(sections(page.sections, page.title or path.stem), page.title or path.stem))
    return read_text(text, "markdown" if suffix in (".md", ".markdown") else "auto", path.stem)


def sections(parts: Iterable[tuple[str | None, str]], title: str) -> tuple[Section, ...]:
    """Returns chapters of headings and texts. A text without a heading belongs to the chapter before it."""
    found: list[Section] = []
    for heading, text in parts:
        if not any(character.isalnum() for character in text):
            continue
        if heading is None and found:
            found[-1] = replace(found[-1], text=f"{found[-1].text}\n\n{text}")
        else:
            found.append(Section(heading or title, text, "plain"))
    return tuple(found)


def decoded(data: bytes) -> str:
    """Decodes a text file: UTF-16 with a mark, UTF-8, or else Windows-1252."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _checked(manuscript: Manuscript) -> Manuscript:
    if not manuscript.chapters:
        raise InvalidText("The file has no text.", "file")
    check_text("".join(chapter.text for chapter in manuscript.chapters), LONGEST, "file")
    return manuscript


def _cut(text: str, heading: re.Pattern[str], title: str | None, format: InputFormat | None) -> tuple[Section, ...]:
    found = list(heading.finditer(text))
    starts = [match.start() for match in found]
    before = [Section(title or "", text[: starts[0] if starts else None], format)]
    chapters = [
        Section(match["title"].strip()[:200], text[match.start() : end], format)
        for match, end in zip(found, [*starts, len(text)][1:], strict=True)
    ]
    return tuple(section for section in (*before, *chapters) if section.text.strip())
