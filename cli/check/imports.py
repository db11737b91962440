"""Resolves import paths, and calls the application builders behind them."""

import importlib
import inspect
from typing import Any

from pydantic import BaseModel, ValidationError
from ray.serve import Application

from cli.check.problem import Place, Problem, did_you_mean


def load(place: Place, path: str) -> tuple[Any, list[Problem]]:
    """Returns the object of an import path like `deployments.app:build`, or why it cannot be imported."""
    module_name, _, attribute = path.partition(":") if ":" in path else path.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # noqa: BLE001 - a module may fail in any way
        return None, [Problem(place, f"{module_name} cannot be imported: {error}")]
    if not hasattr(module, attribute):
        close = did_you_mean(attribute, vars(module))
        return None, [Problem(place, f"{module_name} has no {attribute}.{close}")]
    return getattr(module, attribute), []


def call_builder(
    place: Place, builder: Any, arguments: dict[str, Any], defaults: dict[str, Any]
) -> tuple[Application | None, list[Problem]]:
    """Calls a builder with its arguments; returns the application, or the problems.

    Args:
        place: Place of the arguments.
        builder: An application, or a function that returns one.
        arguments: As configured.
        defaults: Values of arguments that the configuration omits.
    """
    if isinstance(builder, Application):
        return builder, [Problem(place, "are given to an application that takes none")] if arguments else []
    if not inspect.isfunction(builder) or len(inspect.signature(builder).parameters) != 1:
        return None, [Problem(place, "the import path must name an application, or a function of one argument")]
    kind = next(iter(inspect.get_annotations(builder, eval_str=True).values()), None)
    given: Any = arguments
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        known = {name: value for name, value in defaults.items() if name in kind.model_fields}
        try:
            given = kind.model_validate(known | arguments)
        except ValidationError as error:
            return None, [
                Problem(place.through(wrong["loc"]), _refusal(wrong["msg"], wrong["loc"], kind))
                for wrong in error.errors()
            ]
    try:
        application = builder(given)
    except Exception as error:  # noqa: BLE001 - whatever keeps it from being built
        return None, [Problem(place, f"the application cannot be built with them: {error}")]
    if not isinstance(application, Application):
        return None, [Problem(place, f"the builder returns {type(application).__name__}, and no application")]
    return application, []


def _refusal(message: str, where: tuple[int | str, ...], kind: type[BaseModel]) -> str:
    if where and "Extra inputs" in message:
        return f"the builder has no such argument.{did_you_mean(str(where[0]), kind.model_fields)}"
    return message
