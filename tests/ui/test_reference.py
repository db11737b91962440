"""The choice of a voice in a real browser: a clip is heard at once, and a voice of the list is the alternative."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from deployments.voices.shipped import shipped_voices
from tests.conftest import Models
from tests.support.clips import wav_file
from tests.ui.browser import PATIENCE_MS, Visit, visit

TEXT = "The old man walked to the river. He likes the small red house. My friend has seven good books. "


@pytest.fixture(scope="module")
def recording(nano: Models, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Speech of 3 s."""
    with ThreadPoolExecutor(1) as thread:  # this one has a loop already: the browser's
        codes = shipped_voices()["nova"].codes
        sound = thread.submit(lambda: asyncio.run(nano.codec.decode(codes))).result()
    path = tmp_path_factory.mktemp("clips") / "recording.wav"
    path.write_bytes(wav_file(sound))
    return path


def waveform(visitor: Visit) -> Locator:
    return visitor.page.locator("#clip [data-testid='waveform-x'], #clip #waveform")


def ref_text(visitor: Visit) -> Locator:
    return visitor.page.locator("#ref-text textarea")


def test_a_recording_is_cloned_and_heard_in_three_actions(browser: Browser, nano_page: str, recording: Path) -> None:
    with visit(browser, nano_page) as visitor:
        visitor.upload("#clip", recording)
        visitor.says("#notes", "s of speech")
        expect(ref_text(visitor)).to_have_value(re.compile("walk|night|rain"), timeout=PATIENCE_MS)
        expect(waveform(visitor)).to_be_visible()
        visitor.write("#target", TEXT * 3)
        visitor.press("#generate")
        visitor.page.wait_for_function("document.querySelector('#player audio')?.currentTime > 0", timeout=PATIENCE_MS)
        expect(visitor.page.locator("#captions .word.now")).to_be_visible(timeout=PATIENCE_MS)
        visitor.spoken()
        visitor.says("#takes", "recording.wav · Seed 49")
        assert visitor.complaints == []


def test_the_words_of_verified_speech_light_up_one_after_the_other(browser: Browser, nano_page: str) -> None:
    with visit(browser, nano_page) as visitor:
        visitor.says("#state", "Llasa: unloaded")  # the page listens
        visitor.page.get_by_role("button", name="Settings").first.click()
        visitor.page.get_by_label("Verify the speech").check()
        visitor.write("#target", "The old man walked to the river.")
        visitor.generate()
        visitor.spoken()
        visitor.says("#captions", "The old man walked to the river.")
        visitor.page.evaluate("document.querySelector('#takes audio').play()")
        now = visitor.page.locator("#captions .word.now")
        first = now.inner_text(timeout=PATIENCE_MS)
        expect(now).not_to_have_text(first, timeout=PATIENCE_MS)
        expect(now).to_have_count(0, timeout=PATIENCE_MS)
        assert visitor.complaints == []


def test_a_problem_of_the_clip_is_shown_before_anything_is_spoken(browser: Browser, page: str, clip_path: Path) -> None:
    with visit(browser, page) as visitor:
        visitor.upload("#clip", clip_path)
        visitor.says("#notes .warnings", "1.5 s of speech: 3 s and more give a truer voice")


def test_a_recording_of_the_microphone_is_taken(browser: Browser, page: str) -> None:
    with visit(browser, page, permissions=["microphone"]) as visitor:
        visitor.page.locator("#clip").get_by_role("button", name="Record audio").click()
        visitor.page.locator("#clip").get_by_role("button", name="Record", exact=True).click()
        visitor.page.wait_for_timeout(1500)  # the length of the recording
        visitor.page.locator("#clip").get_by_role("button", name="Stop", exact=True).click()
        expect(waveform(visitor)).to_be_visible(timeout=PATIENCE_MS)
        expect(visitor.page.locator("#notes")).to_contain_text(
            re.compile("no speech is", re.IGNORECASE), timeout=PATIENCE_MS
        )  # it beeps


def test_the_clip_and_the_list_take_turns(browser: Browser, page: str, clip_path: Path) -> None:
    with visit(browser, page) as visitor:
        nova = visitor.page.get_by_role("radio", name="nova")
        checked = visitor.page.locator("#voice input:checked")
        expect(checked).to_have_value("alloy")
        visitor.upload("#clip", clip_path)
        expect(ref_text(visitor)).not_to_have_value("", timeout=PATIENCE_MS)
        expect(checked).to_have_count(0)
        nova.check()
        expect(waveform(visitor)).to_have_count(0)
        expect(ref_text(visitor)).to_have_value("")
        expect(checked).to_have_value("nova")
        visitor.write("#target", "Hello there.")
        visitor.generate()
        visitor.spoken()
        visitor.says("#takes", "nova · Seed 49")


def test_a_sample_of_a_voice_is_played(browser: Browser, page: str) -> None:
    with visit(browser, page) as visitor:
        visitor.page.get_by_role("button", name="Listen: nova").click()
        expect(visitor.page.locator("#voice-sample")).to_be_visible(timeout=PATIENCE_MS)
        visitor.says("#voice-sample", "nova")
        expect(visitor.page.locator("#voice input:checked")).to_have_value("alloy")
        assert visitor.complaints == []
