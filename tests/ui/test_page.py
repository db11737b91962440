"""The page, in a real browser, on the real tiny models."""

import asyncio
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from deployments.service.service import SpeechService
from tests.conftest import Models
from tests.ui.browser import PATIENCE_MS, Visit, visit
from tests.ui.conftest import page_of

TEXT = "The old man walked to the river. He likes the small red house. My friend has seven good books. "


def takes(models: Models) -> int:
    """How many the engine holds."""
    with ThreadPoolExecutor(1) as thread:  # this one has a loop already: the browser's
        return thread.submit(lambda: asyncio.run(models.lm.stats())).result(timeout=10).running


def until(visitor: Visit, true: Callable[[], bool]) -> None:
    for _ in range(100):
        if true():
            return
        visitor.page.wait_for_timeout(100)
    raise AssertionError("it was not so within ten seconds")


def test_a_clip_is_written_down_and_speaks_and_is_heard_before_it_is_whole(
    browser: Browser, page: str, clip_path: Path
) -> None:
    with visit(browser, page) as visitor:
        visitor.upload("#clip", clip_path)
        expect(visitor.page.locator("#ref-text textarea")).not_to_have_value("", timeout=PATIENCE_MS)
        visitor.write("#ref-text", "A reference.")
        visitor.write("#target", TEXT * 4)
        visitor.generate()
        visitor.page.wait_for_function(
            "(() => { const heard = document.querySelector('#player audio');"
            " return heard && heard.buffered.length && heard.buffered.end(0) > 0; })()",
            timeout=PATIENCE_MS,
        )
        assert "Speaking" in visitor.status.inner_text()
        heard = httpx.get(httpx.URL(page).join(visitor.audio.get_attribute("src") or ""), timeout=60).content
        visitor.spoken()
        with visitor.page.expect_download() as download:
            visitor.page.locator("#downloads a", has_text="WAV").click()
        file = download.value.path().read_bytes()
        assert download.value.suggested_filename == "speech.wav"
        assert file[44:] == heard[44:]
        assert struct.unpack("<I", file[40:44]) == (len(file) - 44,)
        expect(visitor.page.locator("#speech")).to_be_visible(timeout=PATIENCE_MS)
        visitor.says("#takes", "reference.wav · Seed 49")
        assert visitor.complaints == []


def test_stopping_frees_the_engine(browser: Browser, page: str, models: Models) -> None:
    with visit(browser, page) as visitor:
        visitor.write("#target", TEXT * 20)
        visitor.generate()
        visitor.says("#status", "Speaking")
        visitor.press("#stop")
        visitor.says("#status", "Stopped.")
        until(visitor, lambda: takes(models) == 0)
        assert visitor.complaints == []


def test_leaving_frees_the_engine(browser: Browser, page: str, models: Models) -> None:
    with visit(browser, page) as visitor:
        visitor.write("#target", TEXT * 20)
        visitor.generate()
        visitor.says("#status", "Speaking")
    with visit(browser, page) as visitor:
        until(visitor, lambda: takes(models) == 0)


def test_a_voice_is_saved_heard_renamed_used_deleted_and_imported_again(
    browser: Browser, page: str, clip_path: Path
) -> None:
    with visit(browser, page) as visitor:
        visitor.tab(3)
        visitor.upload("#voice-clip", clip_path)
        visitor.write("#name", "narrator")
        visitor.write("#consent", "my own voice")
        visitor.press("#save")
        visitor.says("#voice-status", "narrator")
        stored = visitor.page.locator("#stored input")
        expect(stored).to_have_value("narrator", timeout=PATIENCE_MS)
        visitor.press("#hear")
        expect(visitor.page.locator("#sample")).to_be_visible(timeout=PATIENCE_MS)
        visitor.write("#new-name", "storyteller")
        visitor.press("#rename")
        expect(stored).to_have_value("storyteller", timeout=PATIENCE_MS)
        visitor.tab(0)
        visitor.page.get_by_role("radio", name="storyteller").check()
        visitor.write("#target", "Hello there.")
        visitor.generate()
        visitor.spoken()
        visitor.says("#takes", "storyteller · Seed 49")
        visitor.tab(3)
        with visitor.page.expect_download() as download:
            visitor.press("#export")
        assert download.value.suggested_filename == "storyteller.zip"
        bundle = {"name": "voice.zip", "mimeType": "application/zip", "buffer": download.value.path().read_bytes()}
        visitor.press("#delete")
        visitor.says("#voice-status", "deleted")
        with visitor.page.expect_file_chooser() as chooser:
            visitor.press("#import")
        chooser.value.set_files(bundle)  # type: ignore[arg-type]
        visitor.says("#voice-status", "The voice “storyteller” is imported")
        expect(stored).to_have_value("storyteller", timeout=PATIENCE_MS)
        visitor.press("#delete")
        visitor.says("#voice-status", "deleted")
        assert visitor.complaints == []


def test_a_pronunciation_is_added_used_and_deleted(browser: Browser, page: str) -> None:
    with visit(browser, page) as visitor:
        visitor.tab(4)
        visitor.says("#pronunciations", "None is stored yet")
        visitor.write("#term", "Nguyen")
        visitor.write("#replacement", "win")
        visitor.press("#add-pronunciation")
        visitor.says("#pronunciation-status", "“Nguyen” is stored.")
        visitor.says("#pronunciations td >> nth=1", "win")
        visitor.press("#add-pronunciation")
        visitor.says("body", "There is a pronunciation of 'Nguyen' already")
        visitor.tab(0)
        visitor.write("#target", "Nguyen.")
        visitor.generate()
        visitor.spoken()
        visitor.says("#captions", "win.")
        visitor.tab(4)
        visitor.press("#delete-pronunciation")
        visitor.says("#pronunciations", "None is stored yet")
        assert visitor.complaints == []


def test_a_recording_is_transcribed_with_subtitles(browser: Browser, page: str, clip_path: Path) -> None:
    with visit(browser, page) as visitor:
        visitor.tab(2)
        visitor.upload("#audio", clip_path)
        visitor.press("#transcribe")
        expect(visitor.page.locator("#text textarea")).not_to_have_value("", timeout=PATIENCE_MS)
        with visitor.page.expect_download() as download:
            visitor.press("#srt")
        assert download.value.suggested_filename == "reference.srt"
        assert " --> " in download.value.path().read_text()
        assert visitor.complaints == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_wrong_file_gives_a_sentence(browser: Browser, page: str, language: str) -> None:
    wrong = {"name": "song.wav", "mimeType": "audio/wav", "buffer": b"this is no audio at all" * 100}
    with visit(browser, f"{page}/{language}/") as visitor:
        visitor.upload("#clip", wrong)
        visitor.says("#notes", "cannot be read as audio")
        visitor.write("#target", "Hello there.")
        visitor.generate()
        visitor.says("#status", "cannot be read as audio")
        if language == "zh":
            visitor.says("#status", "录音无法使用")
        assert "Traceback" not in visitor.page.content()
        assert visitor.page.locator("#downloads a").count() == 0


def test_nothing_to_say_is_told(browser: Browser, page: str) -> None:
    with visit(browser, page) as visitor:
        visitor.generate()
        visitor.says("#status", "The text is empty.")


def test_a_clip_that_is_missing_is_told(browser: Browser, page: str) -> None:
    with visit(browser, page) as visitor:
        visitor.tab(2)
        visitor.press("#transcribe")
        visitor.says("body", "There is no recording: upload one, or record one.")


def test_the_estimate_follows_the_text(browser: Browser, page: str) -> None:
    with visit(browser, page) as visitor:
        visitor.write("#target", "Hello there.")
        visitor.says("#estimate", "in one part")
        visitor.write("#target", TEXT * 10)
        visitor.says("#estimate", "parts")


def test_an_example_works_at_first_click(browser: Browser, page: str) -> None:
    with visit(browser, page) as visitor:
        visitor.page.get_by_text("Hello, this is my voice.").click()
        expect(visitor.page.locator("#target textarea")).to_have_value("Hello, this is my voice.")
        visitor.generate()
        visitor.spoken()
        visitor.says("#takes", "Hello, this is my voice.")


def test_another_seed_is_thrown(browser: Browser, page: str) -> None:
    with visit(browser, page) as visitor:
        visitor.page.get_by_role("button", name="Advanced").click()
        visitor.page.get_by_role("button", name="Another seed").click()
        expect(visitor.page.locator("#seed input")).not_to_have_value("49", timeout=PATIENCE_MS)


def test_the_models_are_shown_and_moved(
    browser: Browser, service: Callable[..., SpeechService], tmp_path: Path
) -> None:
    made = service()
    with page_of(made, tmp_path) as url, visit(browser, url) as visitor:
        visitor.tab(5)
        visitor.says("#models", "Llasa")
        visitor.says("#models", "unloaded")
        visitor.says("#gpus", "Fake")
        visitor.press("#unload")
        visitor.press("#release")
        visitor.press("#load")
        visitor.page.get_by_role("button", name="Set", exact=True).click()
        until(visitor, lambda: len(made.residency.orders) == 4)  # type: ignore[attr-defined]
        assert sorted(made.residency.orders) == [  # type: ignore[attr-defined]
            ("offload", "Llasa", "XCodec2", "Whisper"),
            ("release", "Llasa", "XCodec2", "Whisper"),
            ("timeout", "Llasa", "XCodec2", "Whisper", 600),
            ("warm", "Llasa", "XCodec2", "Whisper", False),
        ]


def test_two_visitors_see_nothing_of_each_other(browser: Browser, page: str) -> None:
    with visit(browser, page) as one, visit(browser, page) as other:
        one.write("#target", TEXT * 4)
        one.generate()
        one.says("#status", "Speaking")
        assert "Speaking" not in other.status.inner_text()
        assert other.audio.count() == 0
        other.write("#target", "Hello there.")
        other.generate()
        other.spoken()
        one.spoken()
        one.says("#takes", "The old man")
        other.says("#takes", "Hello there.")
        assert "The old man" not in other.page.locator("#takes").inner_text()
        assert "Hello there." not in one.page.locator("#takes").inner_text()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_overflows_on_a_phone(browser: Browser, page: str, language: str) -> None:
    with visit(browser, f"{page}/{language}/", viewport={"width": 390, "height": 844}, is_mobile=True) as visitor:
        visitor.write("#target", "Hello there.")
        visitor.generate()
        visitor.spoken()
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 390
        assert visitor.complaints == []


@pytest.mark.parametrize(
    ("locale", "heading"), [("en-GB", "Text to speak"), ("zh-CN", "要读的文字"), ("fr-FR", "Text")]
)
def test_the_page_speaks_the_browsers_language(browser: Browser, page: str, locale: str, heading: str) -> None:
    with visit(browser, page, locale=locale) as visitor:
        visitor.says("body", heading)
        language = "zh" if locale == "zh-CN" else "en"
        visitor.page.wait_for_function(f"document.documentElement.lang === '{language}'", timeout=PATIENCE_MS)


def test_the_language_can_be_switched(browser: Browser, page: str) -> None:
    with visit(browser, page, locale="en-GB") as visitor:
        visitor.page.get_by_role("link", name="中文").click()
        visitor.says("body", "要读的文字")


def test_every_field_and_button_has_a_name_and_can_be_reached_by_keyboard(browser: Browser, page: str) -> None:
    with visit(browser, page) as visitor:
        visitor.says("body", "Hello, this is my voice.")
        nameless = visitor.page.evaluate(
            "[...document.querySelectorAll('button, input:not([type=file]), textarea, audio, a')]"
            ".filter(e => e.offsetParent && !(e.innerText || '').trim() && !e.getAttribute('aria-label')"
            " && !e.title && !(e.labels && e.labels.length)).map(e => e.outerHTML.slice(0, 200))"
        )
        assert nameless == []
        visitor.page.locator("#target textarea").focus()
        reached = set()
        for _ in range(30):
            visitor.page.keyboard.press("Tab")
            reached.add(visitor.page.evaluate("document.activeElement.id"))
        assert {"generate", "stop"} <= reached
        visitor.page.get_by_role("radio", name="alloy").focus()
        visitor.page.keyboard.press("ArrowDown")
        expect(visitor.page.get_by_role("radio", name="ash")).to_be_checked()
        visitor.page.keyboard.press("Tab")
        assert visitor.page.evaluate("document.activeElement.ariaLabel").startswith("Listen")


def test_with_keys_the_page_asks_for_one(
    browser: Browser, service: Callable[..., SpeechService], tmp_path: Path
) -> None:
    with page_of(service(api_keys="alice=sk-one,bob=sk-two"), tmp_path) as url, visit(browser, url) as visitor:
        user, password = visitor.page.locator("input").all()[:2]
        user.fill("bob")
        password.fill("sk-three")
        visitor.page.get_by_role("button", name="Login").click()
        visitor.says("body", "Incorrect")
        assert httpx.get(f"{url}/en/config", timeout=60).status_code == 401
        user.fill("bob")
        password.fill("sk-two")
        visitor.page.get_by_role("button", name="Login").click()
        expect(visitor.page.locator("#generate")).to_be_visible(timeout=PATIENCE_MS)
        visitor.write("#target", "Hello there.")
        visitor.generate()
        visitor.spoken()


def test_a_recording_that_is_no_longer_kept_is_told(page: str) -> None:
    answer = httpx.get(f"{page}/takes/nobody-knows/speech.wav", timeout=60)
    assert answer.status_code == 404
    assert "generate it again" in answer.text
