from collections.abc import AsyncIterator, Callable

from deployments.service.service import SpeechService
from tests.ingress.conftest import client_of
from tests.support.refusal import refused

MEGABYTE = b"\0" * 1_000_000


async def test_a_body_that_declares_too_much_is_refused_unread(service: Callable[..., SpeechService]) -> None:
    async with client_of(service(max_upload_mb=1)) as client:
        answer = await client.post("/api/tts", content=MEGABYTE + b"\0")
    refused(answer, 413, "input_too_large", None, "The request is larger than 1 MB.")


async def test_a_body_of_unknown_length_is_cut_off_at_the_limit(service: Callable[..., SpeechService]) -> None:
    sent = 0

    async def gigabyte() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="audio"; filename="a.wav"\r\n\r\n'
        for _ in range(1_000):
            sent += 1
            yield MEGABYTE

    async with client_of(service(max_upload_mb=3)) as client:
        answer = await client.post(
            "/api/tts", content=gigabyte(), headers={"content-type": "multipart/form-data; boundary=b"}
        )
    refused(answer, 413, "input_too_large", None, "The request is larger than 3 MB.")
    assert sent <= 5


async def test_a_request_at_the_limit_passes(service: Callable[..., SpeechService], clip: bytes) -> None:
    async with client_of(service(max_upload_mb=0.2)) as client:
        answer = await client.post("/api/transcribe", files={"audio": clip})
    assert answer.status_code == 200
