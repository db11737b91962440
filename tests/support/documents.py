"""The documentation, as tests read it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
DOCS: Final = ROOT / "docs"
PAGES: Final = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md")),
    *sorted(DOCS.rglob("*.md")),
]
_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    page: Path
    language: str
    code: str

    def __str__(self) -> str:
        first = self.code.splitlines()[0]
        return f"{self.page.relative_to(ROOT)}: {first[:40]}"


def read(name: str) -> str:
    """Returns the text of a page, named by its path from the root."""
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(language: str, *names: str) -> list[Block]:
    """Returns the blocks in a language, of the named pages or of all."""
    pages = [ROOT / name for name in names] or PAGES
    return [
        Block(page, found[1], found[2])
        for page in pages
        for found in _BLOCK.finditer(page.read_text(encoding="utf-8"))
        if found[1] == language
    ]
