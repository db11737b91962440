"""Profiles: checkpoints, defaults and resources, read from TOML."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

SHIPPED: Final = Path(__file__).with_name("profiles.toml")
AUTO: Final = "auto"
"""Stands for the largest profile that fits."""
Rate = Annotated[int, Field(ge=8_000, le=48_000)]
"""Hz."""
WeightType = Literal["auto", "int8", "fp8"]
"""Of Llasa's matrices: `auto` has 16 bits, the others 8 and a scale for each output."""
_STRICT: Final = ConfigDict(extra="forbid")


class InvalidProfiles(ValueError):
    """Profiles cannot be used; the message says which, and why."""


@dataclass(frozen=True, slots=True, config=_STRICT)
class Defaults:
    """Values of parameters that a request does not name."""

    temperature: Annotated[FiniteFloat, Field(ge=0, le=2)] = 0.9
    top_k: Annotated[int, Field(ge=0, le=65_536)] = 50
    top_p: Annotated[FiniteFloat, Field(gt=0, le=1)] = 0.95
    repetition_penalty: Annotated[FiniteFloat, Field(gt=0, le=2)] = 1.1


@dataclass(frozen=True, slots=True, config=_STRICT)
class Profile:
    """What is deployed. Checkpoints are hub ids, local folders, or `nano:` names of the shipped ones."""

    name: str
    llasa: str
    xcodec2: str
    whisper: str
    device: Literal["cpu", "cuda"]
    """Device of Llasa and XCodec2. Whisper always runs on the CPU."""
    llasa_gpus: Annotated[float, Field(ge=0, le=1)]
    xcodec2_gpus: Annotated[float, Field(ge=0, le=1)]
    llasa_cpus: Annotated[float, Field(gt=0)]
    """CPUs that Ray reserves; a replica computes with as many threads, and at least one."""
    xcodec2_cpus: Annotated[float, Field(gt=0)]
    whisper_cpus: Annotated[float, Field(gt=0)]
    takes: Annotated[int, Field(ge=1)]
    """Takes in one batch of Llasa's engine."""
    decodes: Annotated[int, Field(ge=1)]
    """Clips of equal length that XCodec2 decodes at once. With a batch of 1, the bytes never depend on other load."""
    languages: Annotated[tuple[str, ...], Field(min_length=1)]
    """Languages that Llasa was trained with, ISO 639-1. The first is that of requests that name none."""
    system: Literal["captions"] | None = None
    """What the prompt's system message holds besides the template's own text. `captions`: nine lines that describe the
    speech, made from the `instructions` of a request."""
    normaliser: Literal["anime"] | None = None
    """How the checkpoint's training texts were written. `anime`: without spaces and without most symbols."""
    defaults: Defaults = field(default_factory=Defaults)
    sample_rate: Rate | None = None
    """Sample rate of the speech, if neither the request nor the settings name one; None: the route's."""
    shape: Literal["llasa-8b", "llasa-3b", "llasa-1b"] | None = None
    """Shape of Llasa, for the memory plan before the download. None: unknown."""
    auto: bool = False
    """Whether `auto` may choose it; it tries profiles in their order."""
    reason: str = ""
    """Why it was chosen."""
    weights: WeightType = "auto"
    """Type of Llasa's weights, from the settings."""


class _Unsupported(BaseModel, extra="forbid"):
    pattern: str
    kind: Literal["llasa", "xcodec2"]
    reason: str


class _File(BaseModel, extra="forbid"):
    profiles: dict[str, dict[str, Any]] = {}
    unsupported: list[_Unsupported] = []


_PROFILE: Final = TypeAdapter(Profile)
_OWN: Final = {"name", "reason", "weights"}
"""Fields that a table does not have."""
_KEYS: Final = {*Profile.__dataclass_fields__} - _OWN | {"like"}


Tables = Mapping[str, Mapping[str, Any]]
"""Profiles by name, as in `profiles.toml`."""


def read_profiles(file: Path | None = None, tables: Tables | None = None) -> dict[str, Profile]:
    """Returns the shipped profiles, those of a file and those of tables, by name; later ones replace earlier ones.

    Args:
        file: TOML in the form of `profiles.toml`.
        tables: Further profiles.

    Raises:
        InvalidProfiles: a profile has an unknown or wrong value, or the file cannot be read.
    """
    profiles = dict(PROFILES)
    if file:
        profiles = _resolve(_parse(file.expanduser()).profiles, profiles, str(file))
    return _resolve(tables or {}, profiles, "args")


def check_profile_name(name: str, profiles: Iterable[str]) -> None:
    """Raises InvalidProfiles if there is no profile of this name, and says which was probably meant."""
    names = [AUTO, *profiles]
    if name in names:
        return
    check_checkpoint("llasa", name)
    *most, last = map(repr, names)
    known = f"{', '.join(most)} and {last}"
    raise InvalidProfiles(f"There is no profile {name!r}, only {known}.{_did_you_mean(name, names)}")


def check_checkpoint(kind: Literal["llasa", "xcodec2"], source: str) -> None:
    """Raises InvalidProfiles if a checkpoint of this name is known not to run here; says what to do."""
    is_id = source.count("/") == 1 and not source.startswith((".", "~", "/"))
    for entry in _unsupported():
        if entry.kind == kind and re.search(entry.pattern, source if is_id else Path(source).name, re.IGNORECASE):
            raise InvalidProfiles(f"{source} cannot run here. {entry.reason}.")


def _resolve(tables: Tables, profiles: Mapping[str, Profile], where: str) -> dict[str, Profile]:
    found = dict(profiles)
    for name, table in tables.items():
        if name == AUTO:
            raise InvalidProfiles(f"{where}: a profile cannot be named {AUTO}.")
        found[name] = _profile(name, table, found, f"{where}: {name}")
    return found


def _profile(name: str, table: Mapping[str, Any], profiles: Mapping[str, Profile], where: str) -> Profile:
    for key in table:
        if key not in _KEYS:
            raise InvalidProfiles(f"{where}: there is no key {key}.{_did_you_mean(key, _KEYS)}")
    values = dict(table)
    if (like := values.pop("like", None)) is not None:
        if like not in profiles:
            raise InvalidProfiles(
                f"{where}: like names {like!r}, which is no profile before it.{_did_you_mean(str(like), profiles)}"
            )
        inherited = _PROFILE.dump_python(profiles[like], exclude={"auto"})
        if isinstance(own := values.get("defaults"), dict):
            values["defaults"] = inherited["defaults"] | own
        values = inherited | values
    try:
        return _PROFILE.validate_python(values | {"name": name, "reason": ""})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        hint = (
            _did_you_mean(key.rpartition(".")[2], Defaults.__dataclass_fields__)
            if "unexpected" in first["type"]
            else ""
        )
        raise InvalidProfiles(f"{where}: {key}: {first['msg']}.{hint}") from error


def _parse(path: Path) -> _File:
    try:
        return _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InvalidProfiles(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidProfiles(f"{path} is not TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidProfiles(f"{path}: {where}: {first['msg']}. Profiles are tables [profiles.NAME].") from error


@cache
def _unsupported() -> list[_Unsupported]:
    return _parse(SHIPPED).unsupported


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    found = get_close_matches(name, known, n=1)
    return f" Did you mean {found[0]}?" if found else ""


PROFILES: Final = _resolve(_parse(SHIPPED).profiles, {}, SHIPPED.name)
"""The shipped profiles, by name."""
