"""Reads Markdown: what of it is spoken."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final, Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

from deployments.text.html import strip_html

CodeBlocks = Literal["say", "skip"]

_SIGNALS: Final = re.compile(
    r"^ {0,3}(?:```|~~~)"  # a fence
    r"|^ {0,3}#{1,6} \S"  # a heading
    r"|^ {0,3}\|?(?: *:?-{3,}:? *\|)+(?: *:?-{3,}:? *)?$"  # a table
    r"|(?<!\w)\*\*(?=\S)[^*\n]+(?<=\S)\*\*(?!\w)"  # strong
    r"|!?\[[^\[\]\n]+\]\([^()\s]+(?: \"[^\"\n]*\")?\)"  # a link
    r"|`[^`\n]+`"
    r"|^ {0,3}[-*+] \S.*\n(?:.*\n){0,2} {0,6}[-*+] \S",  # two items of a list
    re.MULTILINE,
)
_TASK: Final = re.compile(r"^\[[ xX]\] ")
_CLOSED: Final = re.compile(r"[.,;:!?…。，；：！？、-][\"'”’»」』】）)\]]*$")
_WIDE: Final = re.compile(r"[\u3040-\u9fff]$")


def is_markdown(text: str) -> bool:
    """Returns whether a text has marks of Markdown that plain text hardly has."""
    return bool(_SIGNALS.search(text))


def read_markdown(text: str, code: CodeBlocks = "skip") -> str:
    """Returns what is spoken of Markdown: paragraphs are parted by empty lines, items and rows by line breaks.

    Links are read by their text, images by their alternative text, tables row by row with their headings.

    Args:
        text: CommonMark with tables and strikethrough.
        code: Whether code blocks are spoken.
    """
    return _Reader(code).read(_parser().parse(text))


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True, "maxNesting": 100}).enable(["table", "strikethrough"])


class _Reader:
    """Collects the blocks of one text.

    Args:
        code: Whether code blocks are spoken.
    """

    def __init__(self, code: CodeBlocks) -> None:
        self._code = code
        self._blocks: list[str] = []
        self._items: list[int | None] = []  # the number of the next item of each open list
        self._label = ""
        self._headings: list[str] = []
        self._row: list[str] = []
        self._in_table = self._in_head = self._is_heading = False

    def read(self, tokens: Sequence[Token]) -> str:
        for token in tokens:
            reader: Callable[[Token], None] | None = getattr(self, f"_{token.type}", None)
            if reader:
                reader(token)
        text = "".join(self._blocks)
        return re.sub(r"\n{3,}", "\n\n", text).strip()

    def _inline(self, token: Token) -> None:
        text = strip_html(_spoken(token.children or []))
        if self._in_table:
            self._row.append(text.strip())
            return
        label, self._label = self._label, ""
        text = label + _TASK.sub("", text).strip()
        # A heading or an item is a sentence, whose end is seldom written.
        if self._is_heading or self._items:
            text = _closed(text)
        self._blocks.append(text + ("\n" if self._items else "\n\n"))

    def _heading_open(self, token: Token) -> None:
        self._is_heading = True

    def _heading_close(self, token: Token) -> None:
        self._is_heading = False

    def _bullet_list_open(self, token: Token) -> None:
        self._items.append(None)

    def _ordered_list_open(self, token: Token) -> None:
        self._items.append(int(token.attrGet("start") or 1))

    def _list_item_open(self, token: Token) -> None:
        number = self._items[-1] if self._items else None
        if number is not None:
            self._label = f"{number}: "
            self._items[-1] = number + 1

    def _bullet_list_close(self, token: Token) -> None:
        self._items.pop()
        if not self._items:
            self._blocks.append("\n")

    _ordered_list_close = _bullet_list_close

    def _fence(self, token: Token) -> None:
        if self._code == "say":
            self._blocks.append(token.content.strip() + "\n\n")

    _code_block = _fence

    def _html_block(self, token: Token) -> None:
        self._blocks.append(strip_html(token.content).strip() + "\n\n")

    def _table_open(self, token: Token) -> None:
        self._in_table, self._headings = True, []

    def _table_close(self, token: Token) -> None:
        self._in_table = False
        self._blocks.append("\n")

    def _thead_open(self, token: Token) -> None:
        self._in_head = True

    def _thead_close(self, token: Token) -> None:
        self._in_head = False

    def _tr_open(self, token: Token) -> None:
        self._row = []

    def _tr_close(self, token: Token) -> None:
        if self._in_head:
            self._headings = self._row
            return
        cells = [
            f"{heading}: {cell}" if heading else cell
            for heading, cell in zip(self._headings, self._row, strict=False)
            if cell
        ]
        self._blocks.append(_closed(", ".join(cells)) + "\n")


def _closed(text: str) -> str:
    return text if not text or _CLOSED.search(text) else text + ("。" if _WIDE.search(text) else ".")


def _spoken(tokens: Sequence[Token]) -> str:
    parts: list[str] = []
    for token in tokens:
        if token.type in ("text", "code_inline", "html_inline", "text_special"):
            parts.append(token.content)
        elif token.type == "image":
            parts.append(_spoken(token.children or []))
        elif token.type in ("softbreak", "hardbreak"):
            parts.append("\n" if token.type == "hardbreak" else " ")
    return "".join(parts)
