"""Writes the reference tables in docs/, the AsyncAPI document and `.env.example` from the code.

A test checks that they are up to date.

`python -m scripts.reference`
"""

import json
import os
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from cli.__main__ import build_parser
from deployments import errors
from deployments.errors import ServiceError, Unavailable
from deployments.ingress.asyncapi import asyncapi
from deployments.ingress.responses.speech import HEADERS
from deployments.metric import Metric
from deployments.placement.memory import SHAPES, XCODEC2_BYTES, MemoryPlan
from deployments.placement.profile_choice import choose_profile
from deployments.profiles import AUTO, PROFILES, Profile, WeightType
from deployments.residency.metrics import METRICS as MODEL_METRICS
from deployments.service.metrics import METRICS
from deployments.settings import Settings
from scripts.openapi import openapi

ROOT: Final = Path(__file__).resolve().parent.parent
PAGES: Final = ROOT / "docs" / "reference"
DOCUMENT: Final = PAGES / "asyncapi.json"
EXAMPLE: Final = ROOT / ".env.example"
_REGION: Final = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
CARDS: Final = (6, 8, 12, 16, 24, 48, 80)
"""Nominal sizes of GPUs in GB."""
USABLE: Final = 0.93
"""Part of a GPU's nominal GiB that is left by ECC, driver and desktop: an L4 of 24 GB has 22.5 GiB in all."""
_TYPES: Final[tuple[WeightType, ...]] = ("auto", "int8")
"""Types of weights that `auto` chooses from."""
_WIDTH: Final = 100
"""Columns of the help texts."""


def main() -> None:
    for page in pages():
        page.write_text(render(page), encoding="utf-8")
    DOCUMENT.write_text(document(), encoding="utf-8")
    EXAMPLE.write_text(example(), encoding="utf-8")


def pages() -> list[Path]:
    """Returns the pages that have a generated region."""
    return [page for page in sorted(PAGES.glob("*.md")) if _REGION.search(page.read_text(encoding="utf-8"))]


def render(page: Path) -> str:
    """Returns the text of a page with its generated regions replaced."""
    text = page.read_text(encoding="utf-8")
    return _REGION.sub(lambda found: f"{found[1]}\n{REGIONS[found[2]]().strip()}\n\n{found[3]}", text)


def document() -> str:
    """Returns the text of the AsyncAPI document."""
    return json.dumps(asyncapi(), indent=2, ensure_ascii=False) + "\n"


def example() -> str:
    """Returns the text of `.env.example`."""
    entries = ["# All settings with their defaults. Remove the leading # to change one.\n"]
    for name, field in Settings.model_fields.items():
        comment = textwrap.fill(field.description or "", 118, initial_indent="# ", subsequent_indent="# ")
        entries.append(f"{comment}\n# {name.upper()}={_default(field.default)}\n")
    return "\n".join(entries)


def _default(value: object) -> str:
    return "" if value in (None, ()) else str(value)


def _settings() -> str:
    rows = [
        (f"`{name.upper()}`", _code(_default(field.default)), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return _table(("Variable", "Default", "Meaning"), rows)


def _profiles() -> str:
    rows = [
        (
            f"`{profile.name}`",
            profile.llasa,
            profile.xcodec2,
            profile.whisper,
            ", ".join(profile.languages),
            "GPU" if profile.device == "cuda" else "CPU",
            str(profile.takes),
        )
        for profile in PROFILES.values()
    ]
    return _table(("Profile", "Llasa", "XCodec2", "Whisper", "Languages", "Device", "Batch size"), rows)


def _memory() -> str:
    automatic = {profile.shape: profile for profile in PROFILES.values() if profile.auto}
    kin = {
        shape: ", ".join(f"`{profile.name}`" for profile in PROFILES.values() if profile.shape == shape)
        for shape in automatic
    }
    rows = [("least for one take", "", *(_least(profile) for profile in automatic.values()))]
    for card in CARDS:
        chosen = chosen_on_card(card)
        weights = "" if chosen.weights == "auto" else f", {chosen.weights}"
        rows.append((f"{card} GB", f"`{chosen.name}`{weights}", *(_planned(own, card) for own in automatic.values())))
    return _table(("GPU", "`auto`", *kin.values()), rows)


def _least(profile: Profile) -> str:
    assert profile.shape  # noqa: S101 - as in plan_on_card
    shapes = [replace(SHAPES[profile.shape], weights=weights) for weights in _TYPES]
    needs = [f"{(shape.replica(1) + XCODEC2_BYTES) / 2**30:.1f} GiB" for shape in shapes]
    return f"{needs[0]}; int8: {needs[1]}"


def _planned(profile: Profile, card: float) -> str:
    cells = []
    for weights in _TYPES:
        plan = plan_on_card(profile, card, weights)
        name = "" if weights == "auto" else f"{weights}: "
        cells.append(name + (f"{plan.takes} takes, {plan.bytes / 2**30:.1f} GiB" if plan else "no"))
    return "; ".join(cells)


def chosen_on_card(card: float) -> Profile:
    """Returns what `auto` takes on a card of so many GB that XCodec2 shares."""
    settings = Settings.model_construct()
    return choose_profile(AUTO, 1, settings, PROFILES, lambda: [_usable(card)])


def plan_on_card(profile: Profile, card: float, weights: WeightType = "auto") -> MemoryPlan | None:
    """Returns how a profile shares a card of so many GB with XCodec2; None if not even one take fits."""
    assert profile.shape  # noqa: S101 - only profiles with a shape are planned
    shape = replace(SHAPES[profile.shape], weights=weights)
    try:
        return MemoryPlan.fit(_usable(card), shape, profile.takes, profile.name, shared=True)
    except Unavailable:
        return None


def _usable(card: float) -> int:
    """Bytes of a card of so many GB that are left for the service."""
    return int(card * USABLE * 2**30)


def _metrics(metrics: Sequence[Metric]) -> str:
    rows = [
        (
            f"`ray_{metric.name}`",
            metric.kind,
            ", ".join(f"`{tag}`" for tag in metric.tags),
            metric.description,
        )
        for metric in metrics
    ]
    return _table(("Metric", "Type", "Tags", "Meaning"), rows)


def _errors() -> str:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ServiceError)]
    rows = [
        (str(kind.status), f"`{kind.code}`", f"`{kind.type}`", (kind.__doc__ or "").splitlines()[0])
        for kind in sorted(kinds, key=lambda kind: kind.status)
        if kind is not ServiceError and "code" in vars(kind)
    ]
    rows.append((str(ServiceError.status), f"`{ServiceError.code}`", f"`{ServiceError.type}`", "Any other error."))
    return _table(("Status", "`code`", "`type`", "Meaning"), rows)


def _headers() -> str:
    return _table(("Header", "Meaning"), [(f"`{name}`", text) for name, text in HEADERS.items()])


def _cli() -> str:
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(_WIDTH)  # argparse wraps its help there
    try:
        parser = build_parser()
        [commands] = [action.choices for action in parser._actions if isinstance(action.choices, dict)]
        sections = [_fenced(parser.format_help())]
        sections += [f"## {name}\n\n{_fenced(command.format_help())}" for name, command in commands.items()]
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return "\n\n".join(sections)


def _fenced(text: str) -> str:
    return f"```text\n{text.strip()}\n```"


def _routes() -> str:
    document = openapi()
    rows = [
        (f"`{method.upper()} {path}`", operation["summary"])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    return _table(("Route", "What it does"), rows)


def _fields() -> str:
    document = openapi()
    sections = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            rows = [*_parameters(operation), *_body(operation, document)]
            if rows:
                table = _table(("Field", "Type", "Default", "Meaning"), rows)
                sections.append(f"### {method.upper()} {path}\n\n{_content_type(operation)}{table}")
    return "\n\n".join(sections)


def _content_type(operation: Mapping[str, Any]) -> str:
    types = list(operation.get("requestBody", {}).get("content", {}))
    return f"Request body: `{types[0]}`.\n\n" if types else ""


def _parameters(operation: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for parameter in operation.get("parameters", []):
        name = f"`{parameter['name']}` ({parameter['in']})"
        yield _row(name, parameter["schema"], required=parameter["required"], text=parameter.get("description"))


def _body(operation: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = _resolved(content["schema"], document)
        if "items" in schema:  # a list of objects: their fields
            schema = _resolved(schema["items"], document)
        required = schema.get("required", ())
        for name, field in schema["properties"].items():
            yield _row(f"`{name}`", _resolved(field, document), required=name in required)


def _resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    if not reference:
        return schema
    named: Mapping[str, Any] = document["components"]["schemas"][reference.rpartition("/")[2]]
    return {**named, **{key: value for key, value in schema.items() if key != "$ref"}}


def _row(name: str, schema: Mapping[str, Any], *, required: bool, text: str | None = None) -> Sequence[str]:
    default = "required" if required else _code(_default(schema.get("default")))
    return name, _type(schema), default, text or schema.get("description", "")


def _type(schema: Mapping[str, Any]) -> str:
    """Type and range of a field, in words."""
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"] if option.get("type") != "null")
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    kind = "file" if "contentMediaType" in schema or schema.get("format") == "binary" else schema.get("type", "any")
    return f"{kind}{_range(schema)}"


def _range(schema: Mapping[str, Any]) -> str:
    bounds = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "maxLength": "length at most",
    }
    found = [f"{words} {_number(schema[key])}" for key, words in bounds.items() if key in schema]
    return f" ({', '.join(found)})" if found else ""


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


_CACHES: Final = [metric for metric in METRICS if metric.tags == ("cache",)]
REGIONS: Final[Mapping[str, Callable[[], str]]] = {
    "settings": _settings,
    "profiles": _profiles,
    "memory": _memory,
    "speech_metrics": lambda: _metrics([metric for metric in METRICS if metric not in _CACHES]),
    "model_metrics": lambda: _metrics(MODEL_METRICS),
    "cache_metrics": lambda: _metrics(_CACHES),
    "errors": _errors,
    "headers": _headers,
    "cli": _cli,
    "routes": _routes,
    "fields": _fields,
}
"""What stands in each generated region, by its name."""

if __name__ == "__main__":
    main()
