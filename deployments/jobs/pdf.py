"""Reads the text layer of PDFs, in a process of its own: `python -m deployments.jobs.pdf < FILE`.

The format is large, and files may be made to exhaust its reader: the process has limits of time and memory, and can
open nothing.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from statistics import median
from typing import Any, Final

from deployments.audio.sandbox import Sandbox
from deployments.errors import InvalidInput
from deployments.jobs.manuscript import LONGEST, Manuscript, heads_chapter, read_text, sections

_ENDS: Final = tuple(".!?:\"'\u201d\u2019\u3002\uff01\uff1f\u300d")
"""Of sentences."""
_REPEATED: Final = 0.4
"""Fraction of the pages whose first or last line must be the same for it to be a header or footer."""
_ODD: Final = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Pages:
    """What is in a PDF."""

    pages: Sequence[str]
    outline: Sequence[tuple[str, int]] = ()
    """Title and page, from 0, of each chapter."""
    title: str | None = None
    author: str | None = None


def read_pdf(data: bytes, cpu_seconds: int = 60) -> Manuscript:
    """Returns the text of a PDF. Its outline has the chapters, else lines such as "Chapter 1".

    Args:
        data: The file.
        cpu_seconds: Maximum CPU time.

    Raises:
        InvalidInput: it is damaged, protected, too large, or only pictures of text.
    """
    command = [sys.executable, "-m", __name__, str(cpu_seconds)]
    found = subprocess.run(command, input=data, capture_output=True, check=False)  # noqa: S603
    if found.returncode:
        raise InvalidInput("The PDF cannot be read: it is damaged, protected, or takes too much to read.", "file")
    return manuscript(Pages(**json.loads(found.stdout)))


def manuscript(found: Pages) -> Manuscript:
    """Returns the text of pages: without headers, footers and page numbers, its lines joined to paragraphs."""
    pages = _without_margins([page.splitlines() for page in found.pages])
    starts = [(title, page) for title, page in found.outline if 0 <= page < len(pages)]
    if len(starts) < 2:
        text = "\n\n".join(_paragraphs([line for page in pages for line in page]))
        if not any(character.isalnum() for character in text):
            raise InvalidInput("The PDF has no text layer: run OCR on it first.", "file")
        read = read_text(text, "plain", found.title)
        return Manuscript(read.chapters, found.title, found.author)
    edges = [(None, 0), *starts, (None, len(pages))]
    chapters = [
        (title, "\n\n".join(_paragraphs([line for page in pages[start:end] for line in page])))
        for (title, start), (_, end) in pairwise(edges)
    ]
    return Manuscript(sections(chapters, found.title or ""), found.title, found.author)


def _without_margins(pages: Sequence[list[str]]) -> list[list[str]]:
    pages = [[line.strip() for line in page if line.strip()] for page in pages]
    least = max(3, _REPEATED * len(pages))
    for at in (0, -1):
        # Page numbers and the like are the same but for their digits.
        seen = Counter(_ODD.sub("0", page[at]) for page in pages if page)
        for page in pages:
            if page and seen[_ODD.sub("0", page[at])] >= least:
                del page[at]
    return pages


def _paragraphs(lines: Sequence[str]) -> list[str]:
    """Joins lines: a paragraph ends with a sentence whose line is shorter than the others."""
    if not lines:
        return []
    full = 0.8 * median(len(line) for line in lines)
    paragraphs, text = [], ""
    for line in lines:
        if heads_chapter(line):
            paragraphs += [text, line] if text else [line]
            text = ""
            continue
        hyphenated = text.endswith("-") and line[:1].islower()
        text = text[:-1] + line if hyphenated else f"{text} {line}".lstrip()
        if len(line) < full and line.endswith(_ENDS):
            paragraphs.append(text)
            text = ""
    return [*paragraphs, text] if text else paragraphs


def _read(data: bytes) -> Pages:
    from pypdf import PdfReader

    reader = PdfReader(BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise ValueError("protected")
    pages: list[str] = []
    characters = 0
    for page in reader.pages:
        pages.append(page.extract_text())
        characters += len(pages[-1])
        if characters > LONGEST:
            raise ValueError("too long")
    outline = [
        (" ".join(str(entry.title).split())[:200], number)
        for entry in reader.outline  # those of the second level are lists within it
        if not isinstance(entry, list) and (number := reader.get_destination_page_number(entry)) is not None
    ]
    info = reader.metadata
    return Pages(pages, outline, (info and info.title) or None, (info and info.author) or None)


def _rehearse() -> None:
    """Imports what reading may need: the process can open no module afterwards."""
    from pypdf import PdfWriter

    for name in ("cp1252", "latin-1", "mac-roman", "utf-16-be", "gbk", "big5", "shift-jis", "euc-kr", "utf-16-le"):
        "".encode(name)
    writer = PdfWriter()
    writer.add_blank_page(10, 10)
    writer.add_outline_item("x", 0)
    file = BytesIO()
    writer.write(file)
    _read(file.getvalue())


def main() -> None:
    """Writes the pages as JSON."""
    data = sys.stdin.buffer.read()
    _rehearse()
    Sandbox().enter(int(sys.argv[1]))
    found = _read(data)
    values: dict[str, Any] = {name: getattr(found, name) for name in Pages.__slots__}
    sys.stdout.write(json.dumps(values))


if __name__ == "__main__":
    main()
