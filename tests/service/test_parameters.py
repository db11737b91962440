"""Every parameter of speech, at every interface of the service but the page: that is in tests/ui/test_parameters.py."""

import io
import json
import wave
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from mcp import Client

from deployments.audio.decoder import Decoder
from deployments.errors import InvalidInput
from deployments.ingress.routes.speech import SpeechBody
from deployments.ingress.routes.tts import OLD_NAMES, SpeechForm
from deployments.profiles import PROFILES
from deployments.service.parameters import SpeechParams
from deployments.settings import Settings
from tests.support.commands import run_in_thread
from tests.support.noted import VALUES, NotedService, noted_service
from tests.support.scripted import ScriptedLM
from tests.support.serving import served

TEXT: Final = "Hello there."


@dataclass(frozen=True)
class Spoken:
    """What a door says of a speech."""

    seed: int
    rate: int


Door = Callable[[str, Path, Mapping[str, Any]], Awaitable[Spoken]]


async def by_json(url: str, folder: Path, values: Mapping[str, Any]) -> Spoken:
    body = {"model": "tts-1", "input": TEXT, "voice": "alloy", "stream": False, **values}
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        return _of_headers(await client.post("/v1/audio/speech", json=body))


async def by_form(url: str, folder: Path, values: Mapping[str, Any]) -> Spoken:
    given = {"input": TEXT, "voice": "alloy", **values}
    fields = {OLD_NAMES.get(name, name): written(value) for name, value in given.items()}
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        return _of_headers(await client.post("/api/tts", data=fields))


async def by_assistant(url: str, folder: Path, values: Mapping[str, Any]) -> Spoken:
    async with Client(f"{url}/mcp", read_timeout_seconds=60) as assistant:
        result = await assistant.call_tool("generate_speech", {"input": TEXT, "voice": "alloy", **values})
    assert not result.is_error, result
    found: dict[str, Any] = result.structured_content or {}
    return Spoken(found["seed"], found["sample_rate"])


async def by_command(url: str, folder: Path, values: Mapping[str, Any]) -> Spoken:
    options = []
    for name, value in values.items():
        flag = name.replace("_", "-")
        options += [f"--{'' if value else 'no-'}{flag}"] if isinstance(value, bool) else [f"--{flag}", written(value)]
    output = folder / f"speech.{values.get('response_format', 'wav')}"
    error = await run_in_thread("say", TEXT, "--url", url, "-o", output, *options)
    rate = int(values.get("sample_rate", 0))
    if output.suffix == ".wav":
        with wave.open(io.BytesIO(output.read_bytes())) as file:
            rate = file.getframerate()
    return Spoken(int(error.partition("seed ")[2].split()[0]), rate)


DOORS: Final[Mapping[str, Door]] = {
    "JSON": by_json,
    "form": by_form,
    "assistant": by_assistant,
    "command": by_command,
}


def written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _of_headers(answer: httpx.Response) -> Spoken:
    assert answer.status_code == 200, answer.text
    return Spoken(int(answer.headers["x-seed"]), int(answer.headers["x-sample-rate"]))


@pytest.fixture
def noted(decoder: Decoder, tmp_path: Path) -> NotedService:
    return noted_service(decoder, tmp_path, default_random_seed=77, default_sample_rate=22_050)


@pytest.fixture
def url(noted: NotedService) -> Iterator[str]:
    with served(noted) as url:
        yield url


def test_the_values_are_of_all_parameters_and_none_is_a_default() -> None:
    assert SpeechParams.model_fields.keys() - {"input"} == VALUES.keys()
    assert all(SpeechParams.model_fields[name].default != value for name, value in VALUES.items())


CAPTIONS: Final = PROFILES["anime-llasa-3b-captions"]
PLAIN: Final = Settings(_env_file=None)  # type: ignore[call-arg]


def test_what_a_request_does_not_name_is_the_profile_s() -> None:
    params = SpeechParams(input=TEXT, top_p=0.5).with_defaults(PLAIN, CAPTIONS)
    assert (params.temperature, params.top_p, params.language) == (CAPTIONS.defaults.temperature, 0.5, "ja")
    assert params.sampling.temperature == CAPTIONS.defaults.temperature
    assert SpeechParams(input=TEXT).with_defaults(PLAIN, PROFILES["llasa-8b"]).temperature == 0.9


def test_the_rate_is_the_request_s_the_settings_the_profile_s_or_the_route_s() -> None:
    own = replace(CAPTIONS, sample_rate=44_100)
    asked = SpeechParams(input=TEXT, sample_rate=8_000)
    fixed = PLAIN.model_copy(update={"default_sample_rate": 48_000})
    assert asked.with_defaults(fixed, own).sample_rate == 8_000
    assert SpeechParams(input=TEXT).with_defaults(fixed, own).sample_rate == 48_000
    assert SpeechParams(input=TEXT).with_defaults(PLAIN, own).sample_rate == 44_100
    assert SpeechParams(input=TEXT).with_defaults(PLAIN, CAPTIONS, 16_000).sample_rate == 16_000


def test_instructions_stay_with_captions_and_are_removed_and_named_elsewhere() -> None:
    params = SpeechParams(input=TEXT, instructions="emotion: sad")
    assert params.with_defaults(PLAIN, CAPTIONS).instructions == "emotion: sad"
    assert params.unused(CAPTIONS) == []
    assert params.with_defaults(PLAIN, PROFILES["llasa-8b"]).instructions is None
    assert params.unused(PROFILES["llasa-8b"]) == ["instructions"]
    assert SpeechParams(input=TEXT).unused(PROFILES["llasa-8b"]) == []


async def test_instructions_reach_the_model_of_a_profile_with_captions(decoder: Decoder, tmp_path: Path) -> None:
    lm = ScriptedLM()
    service = replace(noted_service(decoder, tmp_path, lm=lm), profile=CAPTIONS)
    params = SpeechParams(input=TEXT, voice="alloy", instructions="emotion: sad", normalise=False)
    async with aclosing(service.speak(params)) as chunks:
        async for _ in chunks:
            pass
    assert lm.requests[-1].instructions == "emotion: sad"


@pytest.mark.parametrize("door", DOORS)
async def test_every_parameter_reaches_the_service_by_every_door(
    noted: NotedService, url: str, tmp_path: Path, door: str
) -> None:
    await DOORS[door](url, tmp_path, VALUES)
    (params,) = noted.seen
    expected = SpeechParams.of({"input": TEXT, **VALUES})
    assert {name: getattr(params, name) for name in VALUES} == {name: getattr(expected, name) for name in VALUES}


@pytest.mark.parametrize("door", DOORS)
async def test_every_door_has_the_same_defaults(noted: NotedService, url: str, tmp_path: Path, door: str) -> None:
    spoken = await DOORS[door](url, tmp_path, {})
    assert spoken == Spoken(seed=77, rate=22_050)
    (params,) = noted.seen
    doors_own = {"input", "voice"} | ({"response_format"} if door == "JSON" else set())
    for name in SpeechParams.model_fields.keys() - doors_own:
        assert getattr(params, name) == SpeechParams.model_fields[name].default, name


@pytest.mark.parametrize("name", VALUES)
def test_the_forms_describe_a_parameter_in_the_same_words(name: str) -> None:
    expected = SpeechParams.schemas()[name] | {"default": None}
    for door in (SpeechBody, SpeechForm):
        found = door.schemas()[OLD_NAMES.get(name, name) if door is SpeechForm else name] | {"default": None}
        shown = ("description", "minimum", "maximum", "exclusiveMinimum", "pattern", "enum")
        assert {key: found.get(key) for key in shown} == {key: expected.get(key) for key in shown}


@pytest.mark.parametrize(
    ("values", "param"),
    [({"temperature": 3}, "temperature"), ({"best_of": 9}, "best_of"), ({"language": "!"}, "language")],
)
def test_a_value_out_of_its_range_is_named(values: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidInput, match=param):
        SpeechParams.of({"input": TEXT, **values})


def test_the_model_samples_with_the_parameters_of_the_same_names() -> None:
    sampling = SpeechParams(input=TEXT, temperature=0.5, top_k=7, top_p=0.5, repetition_penalty=1.5, seed=5).sampling
    assert (sampling.temperature, sampling.top_k, sampling.top_p) == (0.5, 7, 0.5)
    assert (sampling.repetition_penalty, sampling.seed) == (1.5, 5)
