"""The page, checked by axe."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.ui.browser import PATIENCE_MS, Visit, visit

GRAVE = ("serious", "critical")
TABS = 7
BOOKS = 1
"""Number of the tab of audiobooks."""
BOOK = {"name": "book.md", "mimeType": "text/markdown", "buffer": b"# One\n\nHello.\n\n# Two\n\nHello."}


def findings(visitor: Visit) -> list[tuple[str, list[str]]]:
    """Returns what axe finds grave: the rule, and the elements."""
    found: list[dict[str, Any]] = Axe().run(visitor.page).response["violations"]
    return [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found if rule["impact"] in GRAVE]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_axe_finds_nothing_grave(browser: Browser, page: str, language: str, scheme: Any) -> None:
    with visit(browser, f"{page}/{language}/", color_scheme=scheme) as visitor:
        visitor.says("#state", "Llasa")
        visitor.write("#target", "Hello there.")
        visitor.generate()
        visitor.spoken()
        found = []
        for tab in range(TABS):
            visitor.tab(tab)
            if tab == BOOKS:
                visitor.upload("#book", BOOK)
                visitor.says("#chapters", "Two")
                visitor.press("#start-book")
                expect(visitor.page.locator("#jobs .chapters")).to_be_visible(timeout=PATIENCE_MS)
            found += findings(visitor)
        assert found == []
