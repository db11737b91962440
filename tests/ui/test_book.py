"""Audiobooks in a real browser, on the models that ship."""

import re
from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import Browser, expect

from tests.support.epubs import book
from tests.support.pictures import PNG
from tests.ui.browser import PATIENCE_MS, Visit, visit

SENTENCES = "The old man walked to the river. He likes the small red house."
BOOK = book({f"{title}.xhtml": f"<h1>{title}</h1><p>{SENTENCES}</p>" for title in ("Sun", "Rain", "Snow")}, PNG)
JOBS = "#jobs .jobs > li"


@pytest.fixture
def epub(tmp_path: Path) -> Path:
    path = tmp_path / "tales.epub"
    path.write_bytes(BOOK)
    return path


def opened(visitor: Visit, epub: Path) -> None:
    visitor.tab(1)
    visitor.upload("#book", epub)
    visitor.says("#book-notes", "3 chapters, about 1 min of speech")


def delete_all(visitor: Visit) -> None:
    visitor.page.on("dialog", lambda dialog: dialog.accept())
    jobs = visitor.page.locator(JOBS)
    while (left := jobs.count()) > 0:
        jobs.first.get_by_role("button", name="Delete").click()
        expect(jobs).to_have_count(left - 1, timeout=PATIENCE_MS)


def test_chosen_chapters_of_a_book_are_made_heard_and_downloaded(browser: Browser, nano_page: str, epub: Path) -> None:
    with visit(browser, nano_page) as visitor:
        opened(visitor, epub)
        page = visitor.page
        expect(page.locator("#book-title input, #book-title textarea")).to_have_value("Two Tales")
        expect(page.locator("#paragraph textarea")).to_have_value(SENTENCES)
        page.get_by_role("checkbox", name="Rain").uncheck()
        visitor.press("#start-book")
        visitor.says("#book-status", "“Two Tales” is in the list.")
        visitor.says(f"{JOBS} >> nth=0", "A. Writer · done")
        chapters = page.locator(".chapters li")
        expect(chapters).to_contain_text(["Sun", "Snow"])
        page.get_by_role("button", name="Listen: Sun").click()
        page.wait_for_function("document.querySelector('#book-player audio')?.currentTime > 0", timeout=PATIENCE_MS)
        visitor.says("#book-player", "Snow")  # it follows by itself
        with page.expect_download() as download:
            page.get_by_role("link", name="Download: M4B").click()
        assert download.value.suggested_filename == "Two Tales.m4b"
        assert download.value.path().read_bytes()[4:8] == b"ftyp"
        with page.expect_download() as download:
            page.get_by_role("link", name="Download: Snow").click()
        assert download.value.suggested_filename == "Two Tales - 2 Snow.mp3"
        with page.expect_download() as download:
            page.get_by_role("link", name="Download: ZIP").click()
        assert len([name for name in ZipFile(download.value.path()).namelist() if name.endswith(".srt")]) == 2
        delete_all(visitor)
        visitor.says("#jobs", "None yet.")
        assert visitor.complaints == []


def test_a_book_is_paused_and_resumed_and_survives_a_reload(browser: Browser, nano_page: str, tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("\n\n".join(f"It was day {day}. {SENTENCES} " * 4 for day in range(40)))
    with visit(browser, nano_page) as visitor:
        visitor.tab(1)
        visitor.upload("#book", path)
        visitor.says("#book-notes", "one chapter")
        visitor.press("#start-book")
        visitor.says(f"{JOBS} >> nth=0", "being spoken")
        visitor.page.get_by_role("button", name="Listen: long").click()  # what there is of the chapter, and on
        visitor.page.wait_for_function(
            "document.querySelector('#book-player audio')?.currentTime > 0", timeout=PATIENCE_MS
        )
        visitor.page.get_by_role("button", name="Pause: long").click()
        visitor.says(f"{JOBS} >> nth=0", "paused")
        assert visitor.complaints == []
        visitor.page.reload()
        expect(visitor.page.locator("#state .model").first).to_be_visible(timeout=PATIENCE_MS)
        visitor.complaints.clear()  # Gradio complains of its requests that the reload broke off
        visitor.tab(1)
        visitor.says(f"{JOBS} >> nth=0", "paused")
        visitor.page.get_by_role("button", name="Resume: long").click()
        visitor.says(f"{JOBS} >> nth=0", "being spoken")
        expect(visitor.page.locator(JOBS).first).to_have_text(re.compile(r"about \d+ min left"), timeout=PATIENCE_MS)
        visitor.page.get_by_role("button", name="Pause: long").focus()
        before = visitor.page.locator(JOBS).first.inner_text()
        expect(visitor.page.locator(JOBS).first).not_to_have_text(before, timeout=PATIENCE_MS)
        assert visitor.page.evaluate("document.activeElement.ariaLabel") == "Pause: long"
        delete_all(visitor)
        assert visitor.complaints == []


def test_a_paragraph_is_heard_before_the_book_is_made(browser: Browser, nano_page: str, epub: Path) -> None:
    with visit(browser, nano_page) as visitor:
        opened(visitor, epub)
        visitor.press("#preview")
        visitor.page.wait_for_function(
            "document.querySelector('#preview-player audio')?.currentTime > 0", timeout=PATIENCE_MS
        )
        assert visitor.page.locator(JOBS).count() == 0
        assert visitor.complaints == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [("story.epub", b"no book", "EPUB"), ("story.txt", b"  ", "The text is empty.")],
)
def test_what_is_no_book_gives_a_sentence(
    browser: Browser, nano_page: str, name: str, content: bytes, message: str
) -> None:
    with visit(browser, nano_page) as visitor:
        visitor.tab(1)
        visitor.upload("#book", {"name": name, "mimeType": "application/octet-stream", "buffer": content})
        visitor.says("body", message)


def test_without_a_book_nothing_is_started(browser: Browser, nano_page: str) -> None:
    with visit(browser, nano_page) as visitor:
        visitor.tab(1)
        visitor.says("#jobs", "None yet. Upload a book and choose a voice")
        visitor.press("#start-book")
        visitor.says("body", "There is no book yet: upload one.")
