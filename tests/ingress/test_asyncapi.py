"""The AsyncAPI document of the WebSocket."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from websockets.asyncio.client import connect

from deployments.audio.decoder import Decoder
from deployments.ingress.asyncapi import asyncapi
from tests.clients.conftest import MODULES, environment
from tests.ingress.conftest import client_of
from tests.ingress.routes.test_live import CONFIG, address, message, say
from tests.support.noted import NotedService, noted_service
from tests.support.serving import served

KINDS = ("session.configured", "audio.start", "audio.done", "session.done", "error")


@pytest.fixture
def service(decoder: Decoder, tmp_path: Path) -> NotedService:
    return noted_service(decoder, tmp_path, api_key="sk-one")


def validator(kind: str) -> Draft7Validator:
    """Checks messages of a kind."""
    document = asyncapi()
    payload: dict[str, Any] = document["components"]["messages"][kind]["payload"]
    return Draft7Validator(document | payload)


async def test_it_is_served_without_a_key(service: NotedService) -> None:
    async with client_of(service) as client:
        assert (await client.get("/asyncapi.json")).json() == asyncapi()


async def test_what_a_session_sends_is_as_described(service: NotedService) -> None:
    with served(service) as url:
        async with connect(address(url)) as socket:
            await say(socket, **CONFIG, api_key="sk-one", unknown=1)
            validator("session.configured").validate(await message(socket, "session.configured"))
            await say(socket, "input.text", text="Good morning everyone, this is the rest of it.")
            for kind in ("audio.start", "audio.done"):
                validator(kind).validate(await message(socket, kind))
            await say(socket, "input.done")
            validator("session.done").validate(await message(socket, "session.done"))
            await say(socket, "input.text")
            validator("error").validate(await message(socket, "error"))
            await say(socket, "input.cancel")
            validator("session.done").validate(await message(socket, "session.done"))


@pytest.mark.parametrize("kind", KINDS)
def test_another_message_is_not_as_described(kind: str) -> None:
    assert not validator(kind).is_valid({"type": kind})
    assert not validator(kind).is_valid({"type": "another"})


def test_what_a_client_sends_is_as_described() -> None:
    validator("session.config").validate(CONFIG | {"split_granularity": "clause", "seed": 1})
    validator("input.text").validate({"type": "input.text", "text": "Hello."})
    assert not validator("input.text").is_valid({"type": "input.text"})
    assert not validator("session.config").is_valid(CONFIG | {"split_granularity": "word"})


@pytest.mark.slow
def test_it_is_valid() -> None:
    environment("node")
    schema = json.loads((MODULES / "@asyncapi" / "specs" / "schemas" / "3.0.0.json").read_text())
    Draft7Validator(schema).validate(asyncapi())
