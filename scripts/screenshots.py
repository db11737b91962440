"""Takes screenshots of a running service's page, for the README: `python -m scripts.screenshots`."""

import argparse
from pathlib import Path
from typing import Final

import httpx
from playwright.sync_api import Browser, FilePayload, sync_playwright

from scripts.chromium import launch

CLIP: Final = "The sun is up, and a new day can begin. We walk along the river to the old bridge."
TEXT: Final = "The old man walked to the river. He likes the small red house, and his friend has seven good books."
BOOK: Final[FilePayload] = {
    "name": "Seven Books.md",
    "mimeType": "text/markdown",
    "buffer": "\n\n".join(
        f"# {title}\n\n{f'{CLIP} {TEXT} ' * times}"
        for title, times in (("The River", 1), ("The Red House", 4), ("The Garden", 5), ("A New Day", 6))
    ).encode(),
}
SCENES: Final = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "chinese": {"viewport": {"width": 1280, "height": 800}, "locale": "zh-CN"},
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.screenshots", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:7861/ui/")
    parser.add_argument("--into", type=Path, default=Path("docs/screenshots"))
    given = parser.parse_args()
    given.into.mkdir(parents=True, exist_ok=True)
    clip = recording(given.url)
    with sync_playwright() as playwright, launch(playwright) as browser:
        for name in SCENES:
            print(f"{given.into}/{name}.png")
            picture(browser, given.url, name, given.into, clip)


def recording(url: str) -> FilePayload:
    """Returns a clip to clone, spoken by the service."""
    body = {"model": "tts-1", "voice": "nova", "input": CLIP, "response_format": "wav"}
    answer = httpx.post(httpx.URL(url).join("/v1/audio/speech"), json=body, timeout=120).raise_for_status()
    return {"name": "my-voice.wav", "mimeType": "audio/wav", "buffer": answer.content}


def picture(browser: Browser, url: str, scene: str, folder: Path, clip: FilePayload) -> None:
    """Takes a picture of a new speech, and on the desktop more on the way to it and one of every other tab."""
    context = browser.new_context(**SCENES[scene])  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(url)
    page.locator("#state .model").first.wait_for()
    if scene == "desktop":
        page.screenshot(path=folder / "landing.png", full_page=True)
    page.locator("#clip input[type=file]").set_input_files(clip)
    page.locator("#notes .hint").wait_for(timeout=120_000)
    if scene == "desktop":
        page.locator("#target textarea").fill(f"{TEXT} " * 10)
        page.locator("#generate").click()
        page.locator("#captions .word.now").first.wait_for(timeout=120_000)
        page.screenshot(path=folder / "speaking.png", full_page=True)
        page.locator("#stop").click()
    page.locator("#target textarea").fill(TEXT)
    page.locator("#generate").click()
    page.locator("#downloads a").first.wait_for(timeout=120_000)
    page.locator("#speech").wait_for(timeout=10_000)
    page.wait_for_timeout(1500)
    page.screenshot(path=folder / f"{scene}.png", full_page=True)
    if scene == "desktop":
        page.get_by_role("tab").nth(1).click()
        page.locator("#book input[type=file]").set_input_files(BOOK)
        page.locator("#chapters label").first.wait_for()
        page.locator("#start-book").click()
        page.locator("#jobs [data-event=play]").first.wait_for(timeout=120_000)
        page.screenshot(path=folder / "audiobooks.png", full_page=True)
        for number, tab in enumerate(("transcribe", "voices", "pronunciations", "models", "help"), 2):
            page.get_by_role("tab").nth(number).click()
            page.wait_for_timeout(2000)
            page.screenshot(path=folder / f"{tab}.png", full_page=True)
    context.close()


if __name__ == "__main__":
    main()
