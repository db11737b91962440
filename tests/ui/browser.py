"""A visitor of the page, in a real browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Response, expect

PATIENCE_MS = 60_000


class Visit:
    """One visitor, with the page open. What the console tells and what fails to load is kept."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _response(self, answer: Response) -> None:
        if answer.status >= 400:
            self.complaints.append(answer.url)

    @property
    def status(self) -> Locator:
        return self.page.locator("#status")

    @property
    def audio(self) -> Locator:
        return self.page.locator("#player audio")

    def tab(self, number: int) -> None:
        """Opens a tab, counted from 0. On a narrow screen some are in a menu."""
        self.page.get_by_role("tab").nth(number).click()

    def write(self, where: str, text: str) -> None:
        self.page.locator(f"{where} textarea, {where} input").first.fill(text)

    def press(self, button: str) -> None:
        self.page.locator(button).click()

    def generate(self) -> None:
        """Presses the button until it is heeded: under load the page shows before it listens."""
        before = self.status.inner_text()
        for _ in range(20):
            self.press("#generate")
            try:
                expect(self.status).not_to_have_text(before, timeout=PATIENCE_MS / 20)
            except AssertionError:
                continue
            return
        raise AssertionError("the page does not listen")

    def upload(self, where: str, file: Any) -> None:
        self.page.locator(f"{where} input[type=file]").set_input_files(file)

    def says(self, where: str, text: str) -> None:
        expect(self.page.locator(where)).to_contain_text(text, timeout=PATIENCE_MS)

    def spoken(self) -> None:
        """Returns once the speech is there, whole."""
        expect(self.page.locator("#downloads a").first).to_be_visible(timeout=PATIENCE_MS)


@contextmanager
def visit(browser: Browser, url: str, **how: Any) -> Iterator[Visit]:
    """Opens the page as somebody else."""
    context = browser.new_context(**how)
    try:
        visitor = Visit(context.new_page())
        visitor.page.goto(url)
        expect(visitor.page.locator("#generate, button").first).to_be_visible(timeout=PATIENCE_MS)
        yield visitor
    finally:
        context.close()
