import httpx

from tests.support.refusal import refused


async def test_a_clip_is_written_down_with_its_language_and_times(client: httpx.AsyncClient, clip: bytes) -> None:
    answer = await client.post("/api/transcribe", files={"audio": clip}, data={"word_timestamps": "true"})
    assert answer.status_code == 200, answer.text
    heard = answer.json()
    assert heard["text"]
    assert heard["language"] == "en"
    assert heard["duration"] == 1.5
    words = [word for segment in heard["segments"] for word in segment["words"]]
    assert words
    assert all(0 <= word["start"] <= word["end"] <= 1.6 for word in words)


async def test_words_are_left_out_unless_asked_for(client: httpx.AsyncClient, clip: bytes) -> None:
    answer = await client.post("/api/transcribe", files={"audio": clip})
    assert all(segment["words"] == [] for segment in answer.json()["segments"])


async def test_bad_requests_are_refused(client: httpx.AsyncClient, clip: bytes) -> None:
    unread = await client.post("/api/transcribe", files={"audio": b"words"})
    refused(unread, 400, "invalid_audio", "audio", "cannot be read as audio")
    unknown = await client.post("/api/transcribe", files={"audio": clip}, data={"language": "klingon"})
    assert unknown.status_code == 400
    assert "klingon" in unknown.json()["error"]["message"]
    misspelt = await client.post("/api/transcribe", files={"audio": clip}, data={"lang": "en"})
    refused(misspelt, 422, "validation_error", "lang", "Did you mean language?")
