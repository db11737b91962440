"""The options of `llasa-serve say`, `book` and `batch`, made from the parameters of speech."""

import argparse
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from deployments.service.parameters import SpeechParams

_SHORT: Final = {"sample_rate": "--rate", "response_format": "--format"}
_TYPES: Final = {"integer": int, "number": float, "string": str, "object": str, "array": str}
_ARGUMENTS: Final = ("input", "voice")
"""Parameters that commands have their own arguments for."""
_VOICE: Final = "alloy"


def add_speech_options(parser: argparse.ArgumentParser, without: Collection[str] = ()) -> None:
    """Adds options for the voice and for each other parameter. One that is not given is left to the service."""
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument("--voice", help=f"name or id of a voice (default: {_VOICE})")
    whose.add_argument("--clip", type=Path, help="a clip of the voice")
    for name, schema in SpeechParams.schemas().items():
        if name not in _ARGUMENTS and name not in without:
            flags = [f"--{name.replace('_', '-')}", *([_SHORT[name]] if name in _SHORT else [])]
            parser.add_argument(*flags, dest=name, default=argparse.SUPPRESS, help=_help(schema), **_kind(schema))


def speech_params(given: argparse.Namespace, **values: Any) -> SpeechParams:
    """Returns the parameters that were given as options, and `values`.

    Raises:
        InvalidInput: a value is out of its range.
    """
    options = {name: value for name, value in vars(given).items() if name in SpeechParams.model_fields}
    voice = None if given.clip else given.voice or _VOICE
    return SpeechParams.of(options | {"voice": voice} | values)


def _help(schema: Mapping[str, Any]) -> str:
    shown = schema["default"] is not None and schema["type"] not in ("object", "array")
    default = f" Default: {schema['default']}." if shown else ""
    return f"{schema['description']}{default}".replace("`", "").replace("%", "%%")


def _kind(schema: Mapping[str, Any]) -> dict[str, Any]:
    if "enum" in schema:
        return {"choices": schema["enum"]}
    if schema["type"] == "boolean":
        return {"action": argparse.BooleanOptionalAction}
    metavar = "JSON" if schema["type"] in ("object", "array") else schema["type"].upper()
    return {"type": _TYPES[schema["type"]], "metavar": metavar}
