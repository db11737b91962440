"""Finds and launches the browser that tests the page."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, Playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_QUIET: Final = (
    "--no-sandbox",  # root, as in containers, cannot have one
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",  # a microphone that beeps
)


def find_chromium() -> str | None:
    """Returns the path of an installed Chromium."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def launch(playwright: Playwright) -> Iterator[Browser]:
    """Launches an installed Chromium, or else the one of playwright."""
    browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(_QUIET))
    try:
        yield browser
    finally:
        browser.close()
