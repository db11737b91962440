"""What real clients send that differs from our own examples of requests."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from deployments.audio.reading import decoded
from tests.support.clips import encode, voice, wav_file
from tests.support.noted import NotedService
from tests.support.refusal import refused

BODY: dict[str, Any] = {"model": "tts-1", "input": "Hello there.", "voice": "alloy", "response_format": "wav"}
FORM = {"model": "whisper-1"}
SPEECH = "/v1/audio/speech"
JSON = {"content-type": "application/json"}


async def transcribe(client: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    return await client.post("/v1/audio/transcriptions", data=FORM | fields, files={"file": wav_file(voice(1.5))})


async def test_null_is_the_default_of_every_field(client: httpx.AsyncClient, service: NotedService) -> None:
    document = (await client.get("/openapi.json")).json()
    properties = document["components"]["schemas"]["SpeechBody"]["properties"]
    required = {"model", "input", "voice"}
    answer = await client.post(SPEECH, json=dict.fromkeys(properties) | {name: BODY[name] for name in required})
    assert answer.status_code == 200, answer.text
    (await client.post(SPEECH, json={name: BODY[name] for name in required})).raise_for_status()
    nulls, without = service.seen
    assert nulls == without


async def test_null_is_no_value_of_a_required_field(client: httpx.AsyncClient) -> None:
    refused(await client.post(SPEECH, json=BODY | {"input": None}), 422, "validation_error", "input", "is missing")


async def test_unknown_fields_are_ignored_and_listed(client: httpx.AsyncClient) -> None:
    answer = await client.post(SPEECH, json=BODY | {"params": {"a": 1}, "backend": "x", "ü\r\nX": 1, "user": None})
    assert answer.status_code == 200
    assert answer.headers["x-ignored"] == r"params, backend, \u00fc\r\nX"


async def test_hundreds_of_unknown_fields_fit_into_the_header(client: httpx.AsyncClient) -> None:
    answer = await client.post(SPEECH, json=BODY | {f"unknown-{number}-{'x' * 500}": 1 for number in range(300)})
    assert answer.status_code == 200
    assert len(answer.headers["x-ignored"]) < 2000


async def test_a_change_of_a_voice_ignores_unknown_fields(client: httpx.AsyncClient) -> None:
    clip = {"audio_sample": wav_file(voice(1.5))}
    voice_form = {"name": "narrator", "consent": "mine", "ref_text": "Good morning.", "ref_check": "off"}
    voice_form |= {"type": "audio_sample"}
    (await client.post("/v1/audio/voices", data=voice_form, files=clip)).raise_for_status()
    answer = await client.patch("/v1/audio/voices/narrator", json={"name": "teller", "description": "x"})
    assert (answer.json()["name"], answer.headers["x-ignored"]) == ("teller", "description")


async def test_every_json_body_takes_nulls_and_unknown_fields(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    found = 0
    for operations in document["paths"].values():
        for operation in operations.values():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            body = body.get("items", body)
            if "$ref" in body:
                found += 1
                assert schemas[body["$ref"].rpartition("/")[2]]["additionalProperties"] is True, operation["summary"]
    assert found >= 8


async def test_a_pronunciation_takes_nulls_and_lists_unknown_fields(client: httpx.AsyncClient) -> None:
    body = {"term": "Nguyen", "replacement": "win", "case": None, "rule": "x"}
    answer = await client.post("/v1/pronunciations", json=body)
    assert (answer.status_code, answer.headers["x-ignored"]) == (200, "rule"), answer.text
    many = await client.post("/v1/pronunciations/import", json=[body, body | {"term": "Siobhan", "note": 1}])
    assert (many.status_code, many.headers["x-ignored"]) == (200, "rule, note"), many.text


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("sped", "speed"), ("respone_format", "response_format"), ("tempreature", "temperature"), ("Voice", "voice")],
)
async def test_a_misspelt_field_is_refused_with_the_right_name(
    client: httpx.AsyncClient, wrong: str, right: str
) -> None:
    answer = await client.post(SPEECH, json=BODY | {wrong: "x"})
    refused(answer, 422, "validation_error", wrong, f"There is no field {wrong}. Did you mean {right}?")


async def test_the_name_of_the_format_in_other_apis_is_refused_with_the_right_one(client: httpx.AsyncClient) -> None:
    answer = await client.post(SPEECH, json=BODY | {"output_format": "mp3"})
    refused(answer, 422, "validation_error", "output_format", "Did you mean response_format?")


async def test_a_form_suggests_names_as_they_are_sent(client: httpx.AsyncClient) -> None:
    answer = await transcribe(client, timestamp_granularities="word")
    name = "timestamp_granularities"
    refused(answer, 422, "validation_error", name, "Did you mean timestamp_granularities[]?")


async def test_all_fields_of_openais_transcriptions_are_taken(client: httpx.AsyncClient) -> None:
    answer = await transcribe(
        client,
        **{
            "include[]": "logprobs",
            "chunking_strategy[type]": "server_vad",
            "chunking_strategy[threshold]": "0.5",
            "languages[]": ["en", "de"],
            "keywords[]": "Llasa",
            "known_speaker_names[]": "agent",
            "known_speaker_references[]": "data:audio/wav;base64,AA==",
        },
    )
    assert answer.status_code == 200, answer.text
    ignored = answer.headers["x-ignored"].split(", ")
    assert ignored[0] == "chunking_strategy"
    assert {name.removesuffix("[]") for name in ignored[1:]} == {
        "include",
        "languages",
        "keywords",
        "known_speaker_names",
        "known_speaker_references",
    }


async def test_a_stream_of_text_lists_ignored_fields_in_headers_and_at_its_end(client: httpx.AsyncClient) -> None:
    answer = await transcribe(client, stream="true", chunking_strategy="auto")
    assert answer.headers["x-ignored"] == "chunking_strategy"
    assert json.loads(answer.text.strip().rpartition("data: ")[2])["ignored"] == ["chunking_strategy"]


async def test_the_language_of_a_verbose_transcription_is_a_name(client: httpx.AsyncClient) -> None:
    answer = await transcribe(client, response_format="verbose_json")
    assert answer.json()["language"] == "english"


@pytest.mark.parametrize("model", ["gpt-4o-mini-tts-2025-12-15", "gpt-4o-mini-tts-2025-03-20", "tts-1-1106"])
async def test_dated_names_are_those_of_the_model(client: httpx.AsyncClient, model: str) -> None:
    assert (await client.post(SPEECH, json=BODY | {"model": model})).status_code == 200


@pytest.mark.parametrize("model", ["gpt-transcribe", "gpt-4o-transcribe-2025-12-15"])
async def test_all_names_of_openais_transcribers_are_known(client: httpx.AsyncClient, model: str) -> None:
    assert (await transcribe(client, model=model)).status_code == 200
    assert (await client.get(f"/v1/models/{model}")).status_code == 200


@pytest.mark.parametrize(
    ("body", "headers", "status", "message"),
    [
        (b'{"model": "tts-1", "input"', JSON, 422, "not valid JSON: Expecting ':' delimiter at character 26"),
        (json.dumps(json.dumps(BODY)).encode(), JSON, 422, "it was encoded twice"),
        (b"[1]", JSON, 422, "a JSON array, not an object"),
        (b"null", JSON, 422, "has no body"),
        (b"", JSON, 422, "has no body"),
        (b"\xff\xfe{", JSON, 400, "not valid UTF-8"),
        (json.dumps(BODY).encode(), {}, 422, "its Content-Type is missing: send `application/json`"),
        (b"model=tts-1", {"content-type": "application/x-www-form-urlencoded"}, 422, "is application/x-www-form-url"),
    ],
    ids=["broken", "encoded twice", "array", "null", "empty", "no UTF-8", "no type", "form"],
)
async def test_a_body_that_is_no_object_is_described(
    client: httpx.AsyncClient, body: bytes, headers: dict[str, str], status: int, message: str
) -> None:
    answer = await client.post(SPEECH, content=body, headers=headers)
    refused(answer, status, "bad_request" if status == 400 else "validation_error", None, message)


@pytest.mark.parametrize(
    ("given", "meant"),
    [("English", "en"), ("en-US", "en"), ("zh_Hans_CN", "zh"), ("German", "de"), ("auto", "auto"), ("", "auto")],
)
async def test_a_language_may_be_a_name_or_have_a_region(
    client: httpx.AsyncClient, service: NotedService, given: str, meant: str
) -> None:
    (await client.post(SPEECH, json=BODY | {"language": given})).raise_for_status()
    assert [params.language for params in service.seen] == [meant]


async def test_what_is_no_language_is_refused_in_words(client: httpx.AsyncClient) -> None:
    answer = await client.post(SPEECH, json=BODY | {"language": "!"})
    refused(answer, 422, "validation_error", "language", "Give a code such as en or en-US, or a name such as English.")


@pytest.mark.parametrize("text", ["...", "🙂", "—", "…  !"])
async def test_a_text_without_words_is_a_short_silence(client: httpx.AsyncClient, text: str) -> None:
    answer = await client.post(SPEECH, json=BODY | {"input": text, "stream": False})
    assert answer.status_code == 200, answer.text
    assert "no letter or digit" in json.loads(answer.headers["x-warnings"])[0]
    assert 0 < float(answer.headers["x-audio-duration"]) < 1
    assert not decoded(answer.content).any()
    strict = await client.post(SPEECH, json=BODY | {"input": text, "strict": True})
    refused(strict, 400, "invalid_text", "input", "nothing to speak")


async def test_a_silence_is_in_a_voice_too(client: httpx.AsyncClient) -> None:
    assert (await client.post(SPEECH, json=BODY | {"input": "...", "voice": "nobody"})).status_code == 404


@pytest.mark.parametrize("text", ["", "  \n", "\x00"])
async def test_a_text_without_anything_stays_an_error(client: httpx.AsyncClient, text: str) -> None:
    refused(await client.post(SPEECH, json=BODY | {"input": text}), 400, "invalid_text", "input", "The text")


async def test_clients_at_once_are_told_of_their_own_fields(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(client.post(SPEECH, json=BODY | {f"field-{n}": 1}) for n in range(8)))
    assert [answer.headers["x-ignored"] for answer in answers] == [f"field-{n}" for n in range(8)]


async def test_open_webui_lists_models_and_voices_speaks_and_transcribes(client: httpx.AsyncClient) -> None:
    models = (await client.get("/v1/audio/models")).json()["models"]
    voices = (await client.get("/v1/audio/voices")).json()["voices"]
    assert "tts-1" in [model["id"] for model in models]
    assert {"id": "builtin_alloy", "name": "alloy"} in [{"id": each["id"], "name": each["name"]} for each in voices]
    user = {"x-openwebui-user-name": "Ann", "x-openwebui-user-id": "1", "authorization": "Bearer none"}
    said = {"input": "Hello there.", "model": "tts-1", "voice": voices[0]["id"]}
    answer = await client.post(SPEECH, json=said | {"speed": 1.0}, headers=user)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/mpeg")
    file = ("7a0c.webm", encode(voice(1.5, 48_000), "webm"), "audio/webm")
    form = {"model": "whisper-1", "language": "en"}
    heard = await client.post("/v1/audio/transcriptions", data=form, files={"file": file}, headers=user)
    assert heard.raise_for_status().json()["text"]
    refusal = (await client.post(SPEECH, json=said | {"voice": "nobody"}, headers=user)).json()
    assert "no voice" in refusal["error"]["message"]
    eleven = {"text": "Hello there.", "model_id": "", "voice_settings": {"stability": 0.5, "similarity_boost": 0.5}}
    headers = {"accept": "audio/mpeg", "xi-api-key": "none"}
    spoken = await client.post(f"/v1/text-to-speech/{voices[0]['id']}", json=eleven, headers=headers)
    assert (spoken.status_code, spoken.headers["content-type"]) == (200, "audio/mpeg")
