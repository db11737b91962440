"""The page, checked by axe."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.ui.browser import Visit, visit

GRAVE = ("serious", "critical")
TABS = 6


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
            found += findings(visitor)
        assert found == []
