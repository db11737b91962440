"""Checks keys and values against pydantic models that accept unknown keys."""

import warnings
from collections.abc import Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from cli.check.problem import Place, Problem, did_you_mean


def check_keys(place: Place, model: type[BaseModel], body: dict[str, Any]) -> list[Problem]:
    """Returns problems for unknown keys at any depth, and for invalid values."""
    problems = []
    for where, kind, value, unchecked in _nested(place, model, body, True):
        for key in value.keys() - kind.model_fields.keys():
            close = did_you_mean(str(key), kind.model_fields)
            problems.append(Problem(where.at(str(key)), f"Serve knows no such key and would ignore it.{close}"))
        if unchecked:
            problems += _refusals(where, kind, value)
    # A strict model reports unknown keys, too, and an outer model reports errors whose place an inner one knows better.
    first = {problem.place: problem for problem in reversed(problems)}.values()
    return [problem for problem in reversed(first) if not any(_is_within(other, problem) for other in first)]


def _is_within(inner: Problem, outer: Problem) -> bool:
    above, below = outer.place.path, inner.place.path
    return inner.message == outer.message and below != above and (not above or below.startswith(f"{above}."))


def _nested(
    place: Place, model: type[BaseModel], body: dict[str, Any], unchecked: bool
) -> Iterator[tuple[Place, type[BaseModel], dict[str, Any], bool]]:
    """Yields a body and all parts of it that have a model; True if the outer model accepts any dict for the part."""
    yield place, model, body, unchecked
    for key, field in model.model_fields.items():
        value = body.get(key)
        inner, any_dict = _models(field.annotation)
        for number, element in enumerate(value if isinstance(value, list) else [value]):
            where = place.at(key).at(number) if isinstance(value, list) else place.at(key)
            if inner and isinstance(element, dict):
                yield from _nested(where, inner[0], element, any_dict)


def _models(annotation: Any) -> tuple[list[type[BaseModel]], bool]:
    """Returns the models in X, X | None, list[X], dict | X; and whether a dict is accepted."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation], False
    origin = get_origin(annotation) or annotation
    if origin in (Union, UnionType, list):
        parts = [_models(part) for part in get_args(annotation)]
        return [model for models, _ in parts for model in models], any(any_dict for _, any_dict in parts)
    return [], origin is dict


def _refusals(place: Place, model: type[BaseModel], body: dict[str, Any]) -> Iterator[Problem]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Serve's own deprecation warnings
            model.model_validate(body)
    except ValidationError as error:
        for wrong in error.errors():
            where = place.through(part for part in wrong["loc"] if isinstance(part, int) or part.isidentifier())
            shown = "" if isinstance(wrong["input"], dict | list) else f"{wrong['input']!r:.80} is refused: "
            yield Problem(where, shown + wrong["msg"])
    except (AttributeError, ImportError) as error:  # one of Serve's models imports the path in it
        yield Problem(place, f"an import path cannot be resolved: {error}")
