"""Checks a Serve configuration: its keys, import paths, builders, and whether its resources are available."""

from collections.abc import Sequence
from typing import Any

from ray.serve import Application, Deployment
from ray.serve.schema import ServeDeploySchema

from cli.check.capacity import Need, Node, misfits
from cli.check.imports import call_builder, load
from cli.check.keys import check_keys
from cli.check.problem import Place, Problem, did_you_mean


def check_serve_config(place: Place, body: dict[str, Any], nodes: Sequence[Node]) -> list[Problem]:
    """Returns the problems of a configuration.

    Args:
        place: Place of the configuration.
        body: As read.
        nodes: Available nodes; empty if unknown.
    """
    if problems := check_keys(place, ServeDeploySchema, body):
        return problems
    needs: list[Need] = []
    for number, application in enumerate(body["applications"]):
        where = place.at("applications").at(number)
        found_needs, found = _build(where, application, nodes)
        problems += found
        needs += found_needs
    return problems + [Problem(place.at("applications"), misfit) for misfit in misfits(needs, nodes)]


def _build(place: Place, application: dict[str, Any], nodes: Sequence[Node]) -> tuple[list[Need], list[Problem]]:
    """Returns the needs of an application's deployments, with the overrides."""
    builder, problems = load(place.at("import_path"), application["import_path"])
    if problems:
        return [], problems
    defaults = {"node_gpus": max((node.gpus for node in nodes), default=0)}
    made, problems = call_builder(place.at("args"), builder, application.get("args") or {}, defaults)
    if made is None:
        return [], problems
    built = deployments(made)
    overrides: dict[str, dict[str, Any]] = {}
    for number, options in enumerate(application.get("deployments") or []):
        where = place.at("deployments").at(number)
        name = options["name"]
        if name not in built:
            message = f"the application has no deployment {name}.{did_you_mean(name, built)}"
            problems.append(Problem(where.at("name"), message))
            continue
        problems += _overrides(where, options, built[name])
        overrides[name] = options
    return [_need(deployment, overrides.get(name, {})) for name, deployment in built.items()], problems


def deployments(application: Application) -> dict[str, Deployment]:
    """Returns all deployments of an application by name."""
    bound = application._bound_deployment
    found = {bound.name: bound}
    for argument in bound.init_args:
        if isinstance(argument, Application):
            found |= deployments(argument)
    return found


def _overrides(place: Place, options: dict[str, Any], deployment: Deployment) -> list[Problem]:
    """Checks for overrides with side effects: Serve replaces the builder's options, it does not merge them."""
    problems = []
    scaling = deployment._deployment_config.autoscaling_config
    policy = (options.get("autoscaling_config") or {}).get("policy") or {}
    if scaling and "autoscaling_config" in options and not policy:
        message = (
            "replaces all options of the builder, its policy too: models would no longer be loaded and "
            "unloaded on order. Say how many replicas there may be in args, as `replicas`."
        )
        problems.append(Problem(place.at("autoscaling_config"), message))
    elif scaling and isinstance(options.get("num_replicas"), int):
        message = "turns off the loading and unloading of this model: say it in args, as `replicas`."
        problems.append(Problem(place.at("num_replicas"), message))
    actor = deployment.ray_actor_options or {}
    if "ray_actor_options" in options:
        lost = {key for key in ("num_gpus", "runtime_env") if actor.get(key)} - options["ray_actor_options"].keys()
        if lost:
            message = f"replaces all options of the builder: {' and '.join(sorted(lost))} would be lost."
            problems.append(Problem(place.at("ray_actor_options"), message))
    return problems


def _need(deployment: Deployment, options: dict[str, Any]) -> Need:
    """Returns what a deployment reserves with its overrides."""
    config = deployment._deployment_config
    actor = options.get("ray_actor_options", deployment.ray_actor_options) or {}
    replicas = options.get("num_replicas")
    scaling = config.autoscaling_config.model_dump() if config.autoscaling_config else None
    if isinstance(replicas, int):
        scaling = None
    elif options.get("autoscaling_config"):
        scaling = options["autoscaling_config"]
    fixed = replicas if isinstance(replicas, int) else config.num_replicas or 1
    return Need(
        deployment.name,
        cpus=float(actor.get("num_cpus", 1)),
        gpus=float(actor.get("num_gpus") or 0),
        least=max(1, scaling.get("min_replicas", 1)) if scaling else fixed,
        most=max(1, scaling.get("max_replicas", 1)) if scaling else fixed,
        selector=actor.get("label_selector") or {},
    )
