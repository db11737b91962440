import json
from collections.abc import Callable

import pytest

from deployments.service.service import SpeechService
from tests.ingress.conftest import client_of
from tests.support.ear import Ear, hearing

FORM = {"model": "whisper-1", "prompt": "River"}


@pytest.mark.parametrize("format", ["json", "text", "srt", "verbose_json", "vtt"])
async def test_a_prompt_that_is_left_out_is_told_in_headers(
    service: Callable[..., SpeechService], clip: bytes, format: str
) -> None:
    async with client_of(hearing(service(), Ear("prompt"))) as client:
        form = FORM | {"response_format": format}
        answer = await client.post("/v1/audio/transcriptions", files={"file": clip}, data=form)
    assert answer.status_code == 200, answer.text
    assert "train" in answer.text
    assert answer.headers["x-ignored"] == "prompt"
    (warning,) = json.loads(answer.headers["x-warnings"])
    assert "does not take a prompt" in warning


async def test_a_translation_that_is_none_is_told_in_a_warning(
    service: Callable[..., SpeechService], clip: bytes
) -> None:
    async with client_of(hearing(service(), Ear("prompt", "task"))) as client:
        answer = await client.post("/v1/audio/translations", files={"file": clip}, data=FORM)
    assert answer.headers["x-ignored"] == "prompt"
    assert "not translated" in json.loads(answer.headers["x-warnings"])[1]


async def test_what_is_honoured_is_not_told(service: Callable[..., SpeechService], clip: bytes) -> None:
    async with client_of(hearing(service(), Ear())) as client:
        answer = await client.post("/v1/audio/transcriptions", files={"file": clip}, data=FORM)
    assert not {"x-ignored", "x-warnings"} & set(answer.headers)


async def test_a_stream_tells_what_is_ignored_in_its_last_event(
    service: Callable[..., SpeechService], clip: bytes
) -> None:
    async with client_of(hearing(service(), Ear("prompt"))) as client:
        answer = await client.post("/v1/audio/transcriptions", files={"file": clip}, data=FORM | {"stream": "true"})
    last = json.loads(answer.text.strip().rpartition("data: ")[2])
    assert (last["type"], last["text"], last["ignored"]) == (
        "transcript.text.done",
        "Good morning. The train.",
        ["prompt"],
    )
    assert "does not take a prompt" in last["warnings"][0]


async def test_a_stream_without_segments_tells_it_in_headers_too(
    service: Callable[..., SpeechService], clip: bytes
) -> None:
    async with client_of(hearing(service(), Ear("prompt", segments=()))) as client:
        answer = await client.post("/v1/audio/transcriptions", files={"file": clip}, data=FORM | {"stream": "true"})
    assert answer.headers["x-ignored"] == "prompt"


async def test_subtitles_end_at_pauses(service: Callable[..., SpeechService], clip: bytes) -> None:
    async with client_of(hearing(service(), Ear())) as client:
        form = FORM | {"response_format": "srt"}
        answer = await client.post("/v1/audio/transcriptions", files={"file": clip}, data=form)
    assert answer.text == (
        "1\n00:00:00,000 --> 00:00:01,000\nGood morning.\n\n2\n00:00:04,000 --> 00:00:05,000\nThe train.\n"
    )
