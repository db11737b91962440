"""Base models of request bodies: they accept what clients add, and refuse what they misspell."""

import json
import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError
from rapidfuzz.distance import OSA

IGNORED: Final = "ignored"
"""Metadata of a field that is accepted and has no effect."""
_MEANT: Final = {"output_format": "response_format"}
"""Names in other APIs of fields that are too important to ignore."""
_EDITS: Final = 2
_SHORT: Final = 3
"""Names of so few letters are not taken for misspelt ones: two edits make any of them any other."""
_TOKEN: Final = re.compile(r"[\w.\[\]-]+", re.ASCII)
_INDEXED: Final = re.compile(r"(\w+)\[(\w+)\]")
_MOST_NAMES: Final = 20
_LONGEST_NAME: Final = 60


class _Body(BaseModel):
    @property
    def ignored(self) -> list[str]:
        """Fields that the request has and that have no effect, by their names in the request."""
        known = [
            field.alias or name
            for name, field in type(self).model_fields.items()
            if IGNORED in field.metadata and getattr(self, name)
        ]
        return [*known, *(self.model_extra or {})]


class JsonBody(_Body):
    """A JSON object. Nulls are defaults. Unknown fields are ignored, unless they are nearly a known one."""

    model_config = ConfigDict(extra="allow")

    @model_validator(mode="before")
    @classmethod
    def _lenient(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        given = {name: value for name, value in values.items() if value is not None}
        known = wire_names(cls)
        for name in given:
            if name not in known and (meant := misspelt(name, known)):
                raise PydanticCustomError("misspelt", "There is no field {name}.", {"name": name, "meant": meant})
        return given


class FormBody(_Body):
    """A form. Unknown fields are refused; `name[key]`, as SDKs send objects, is an entry of the field `name`."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _nested(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        given: dict[str, Any] = {}
        for name, value in values.items():
            match = _INDEXED.fullmatch(name)
            if match and match[1] in wire_names(cls):
                entries = given.get(match[1])
                given[match[1]] = {**(entries if isinstance(entries, dict) else {}), match[2]: value}
            else:
                given[name] = value
        return given


def wire_names(model: type[BaseModel]) -> list[str]:
    """Returns the names of a model's fields in requests."""
    return [field.alias or name for name, field in model.model_fields.items()]


def misspelt(name: str, known: Collection[str]) -> str | None:
    """Returns the known name that an unknown one is a misspelling of, or is called in other APIs."""
    if (meant := _MEANT.get(name)) in known:
        return meant
    if len(name) <= _SHORT or len(name) > _LONGEST_NAME:
        return None
    distances = {other: OSA.distance(name, other, score_cutoff=_EDITS) for other in known}
    closest = min(distances, key=lambda other: distances[other], default="")
    return closest if closest and distances[closest] <= _EDITS else None


def suggestion(name: str, known: Collection[str]) -> str:
    """Returns a sentence with the known name that was probably meant, or nothing."""
    meant = misspelt(name, known) or next(iter(get_close_matches(name, known, n=1)), None)
    return f" Did you mean {meant}?" if meant else ""


def ignored_header(names: Collection[str]) -> dict[str, str]:
    """Returns `X-Ignored` with the names of fields without effect, if there are any."""
    # Clients choose these names: what a header cannot hold is escaped.
    shown = [name if _TOKEN.fullmatch(name) else json.dumps(name)[1:-1] for name in [*names][:_MOST_NAMES]]
    return {"X-Ignored": ", ".join(name[:_LONGEST_NAME] for name in shown)} if shown else {}
