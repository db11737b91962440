"""Reads pages of HTML: their headings and paragraphs, without notes and what is not read."""

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final

from deployments.errors import InvalidInput

_CHAPTERS: Final = frozenset({"h1", "h2"})
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCK_NAMES: Final = """
p div li ul ol dl dt dd tr table blockquote section article header footer pre figure figcaption hr body
"""
_BLOCKS: Final = _HEADINGS | frozenset(_BLOCK_NAMES.split())
_UNREAD_NAMES: Final = "script style nav svg math template noscript iframe object audio video select"
_UNREAD: Final = frozenset(_UNREAD_NAMES.split())
_NOTE_NAMES: Final = """
footnote footnotes endnote endnotes rearnote rearnotes noteref pagebreak
doc-footnote doc-endnote doc-endnotes doc-noteref doc-pagebreak
"""
_NOTES: Final = frozenset(_NOTE_NAMES.split())
"""Values of `epub:type` and `role`."""
_VOID_NAMES: Final = "area base br col embed hr img input link meta source track wbr"
_VOID: Final = frozenset(_VOID_NAMES.split())
_LONGEST: Final = 8_000_000
"""Characters."""
_DECLARATIONS: Final = 10_000
"""Maximum comments and instructions: unclosed ones are slow to read."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page."""

    sections: tuple[tuple[str | None, str], ...]
    """Heading and text of each chapter; the text begins with the heading. The first may have no heading."""
    title: str | None


def read_page(html: str) -> Page:
    """Reads HTML or XHTML. Nothing that it refers to is fetched, and no entity is expanded but those of HTML.

    Raises:
        InvalidInput: it is too large.
    """
    if len(html) > _LONGEST or html.count("<!") + html.count("<?") > _DECLARATIONS:
        raise InvalidInput("The file has a page that is too large to be read.", "file")
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.page()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self._sections: list[tuple[str | None, list[str]]] = [(None, [])]
        self._text: list[str] = []
        self._title: list[str] = []
        self._unread: list[str] = []  # open elements, from the first that is not read
        self._in_title = False
        self._heading = False

    def page(self) -> Page:
        self._end_block()
        title = " ".join("".join(self._title).split())
        return Page(
            tuple((heading, "\n\n".join(blocks)) for heading, blocks in self._sections if blocks), title or None
        )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_title = tag == "title"
        if tag == "br":
            self._text.append("\n")
        if tag in _VOID:
            return
        kinds = {kind for name, value in attrs if name in ("epub:type", "role") for kind in (value or "").split()}
        hidden = any(name == "hidden" for name, _ in attrs)
        if self._unread or tag in _UNREAD or kinds & _NOTES or hidden:
            self._unread.append(tag)
        elif tag in _BLOCKS:
            self._end_block()
            self._heading = tag in _CHAPTERS

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self._end_block()
        elif tag == "br":
            self._text.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False
        if self._unread:
            if tag in self._unread:
                del self._unread[len(self._unread) - 1 - self._unread[::-1].index(tag) :]
        elif tag in _BLOCKS:
            self._end_block()

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self._title.append(data)
        elif not self._unread:
            self._text.append(" ".join(data.split("\n")))

    def _end_block(self) -> None:
        text = "\n".join(" ".join(line.split()) for line in "".join(self._text).split("\n") if line.strip())
        self._text.clear()
        heading, self._heading = self._heading, False
        if not text:
            self._heading = heading
        elif heading:
            self._sections.append((" ".join(text.split())[:200], [text]))
        else:
            self._sections[-1][1].append(text)
