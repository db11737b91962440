"""The parameters of speech on the page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client

from deployments.audio.decoder import Decoder
from deployments.profiles import PROFILES
from deployments.service.parameters import SpeechParams
from tests.support.noted import VALUES, NotedService, noted_service
from tests.ui.conftest import page_of
from ui.languages import LANGUAGES
from ui.speech_fields import BASIC, FORM, OMITTED, SpeechFields

SHOWN = {name: value for name, value in VALUES.items() if name not in OMITTED}


@pytest.fixture(scope="module")
def noted(decoder: Decoder, tmp_path_factory: pytest.TempPathFactory) -> NotedService:
    folder = tmp_path_factory.mktemp("noted")
    return noted_service(decoder, folder, default_random_seed=77, default_sample_rate=22_050)


@pytest.fixture(scope="module")
def client(noted: NotedService, uploads: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with page_of(noted, tmp_path_factory.mktemp("takes")) as url:
        yield Client(f"{url}/en/", verbose=False, download_files=tmp_path_factory.mktemp("downloads"))


def test_every_parameter_has_a_field_or_a_reason_for_having_none(noted: NotedService, client: Client) -> None:
    api: Any = client.view_api(return_format="dict", print_info=False)
    fields = {each["parameter_name"] for each in api["named_endpoints"]["/generate"]["parameters"]}
    assert fields - {"clip"} == SpeechParams.model_fields.keys() - OMITTED.keys()
    texts = LANGUAGES[0]
    assert {
        *BASIC,
        *FORM,
        *SpeechFields(texts, noted.settings, noted.profile).advanced,
    } == SpeechParams.model_fields.keys() - OMITTED


def test_every_field_reaches_the_service(noted: NotedService, client: Client) -> None:
    noted.seen.clear()
    client.predict(input="Hello there.", **SHOWN, api_name="/generate")
    (params,) = noted.seen
    assert {name: getattr(params, name) for name in SHOWN} == SHOWN


def test_the_page_has_the_defaults_of_the_service(noted: NotedService, client: Client) -> None:
    noted.seen.clear()
    _, status, *_ = client.predict("Hello there.", "alloy", api_name="/generate")
    (params,) = noted.seen
    assert "Seed 77" in status
    assert (params.seed, params.sample_rate) == (77, 22_050)
    expected = SpeechParams(input="Hello there.", voice="alloy").with_defaults(noted.settings, noted.profile)
    assert params == expected


def test_the_page_has_instructions_with_profiles_that_read_them(noted: NotedService) -> None:
    for name in "anime-llasa-3b", "anime-llasa-3b-captions":
        fields = SpeechFields(LANGUAGES[0], noted.settings, PROFILES[name])
        assert ("instructions" in fields.advanced) == (name == "anime-llasa-3b-captions")
