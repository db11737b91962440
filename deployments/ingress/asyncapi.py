"""The AsyncAPI document of the WebSocket."""

from inspect import getdoc
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from deployments.service.live_messages import CLIENT_MESSAGES, SERVER_MESSAGES, kind_of
from deployments.version import VERSION

LIVE: Final = "/v1/audio/speech/stream"
ASYNCAPI: Final = "/asyncapi.json"
_AUDIO: Final = "audio"


def asyncapi() -> dict[str, Any]:
    """Returns the document, made from the models of the messages."""
    models: tuple[type[BaseModel], ...] = (*CLIENT_MESSAGES, *SERVER_MESSAGES)
    schemas, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    messages: dict[str, Any] = {
        kind_of(model): {
            "name": kind_of(model),
            "summary": summary(model),
            "contentType": "application/json",
            "payload": schemas[model, "validation"],
        }
        for model in models
    }
    messages[_AUDIO] = {
        "name": _AUDIO,
        "summary": "Audio of the unit that the last audio.start has announced, in a binary frame.",
        "contentType": "application/octet-stream",
        "payload": {"type": "string", "format": "binary"},
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Llasa Serve, live text",
            "version": VERSION,
            "description": "Text that is being written is spoken meanwhile. The messages are those of vLLM-Omni.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "live": {
                "address": LIVE,
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": {"method": "GET"}},
            }
        },
        "operations": {
            "listen": _operation("receive", [kind_of(model) for model in CLIENT_MESSAGES]),
            "speak": _operation("send", [*(kind_of(model) for model in SERVER_MESSAGES), _AUDIO]),
        },
        "components": {"messages": messages, "schemas": definitions["$defs"]},
    }


def summary(model: type[BaseModel]) -> str:
    """Returns the first paragraph of a message's description."""
    return " ".join((getdoc(model) or "").partition("\n\n")[0].split())


def _operation(action: str, names: list[str]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/live"},
        "messages": [{"$ref": f"#/channels/live/messages/{name}"} for name in names],
    }
