"""Checks a RayService or RayCluster: KubeRay's schema made strict, and rules that no schema has."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema
import ray
import yaml

from cli.check.capacity import Node
from cli.check.documents import read_yaml
from cli.check.environment import check_environment, environment
from cli.check.problem import Place, Problem, did_you_mean
from cli.check.serve_config import check_serve_config

_SCHEMAS: Final = Path(__file__).parent / "schemas"
_KINDS: Final = {"RayService": "rayservices", "RayCluster": "rayclusters"}
_UPGRADES: Final = ("NewCluster", "NewClusterWithIncrementalUpgrade", "None")
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


def check_ray_resource(place: Place, body: dict[str, Any], variables: dict[str, str]) -> list[Problem]:
    """Returns the problems of a custom resource.

    Args:
        place: Place of the resource.
        body: As read.
        variables: Environment that its pods take from ConfigMaps.
    """
    kind = body["kind"]
    if kind not in _KINDS or body["apiVersion"] != "ray.io/v1":
        return [
            Problem(place, f"{body['apiVersion']} {kind} is not checked: RayService and RayCluster of ray.io/v1 are")
        ]
    if problems := _against_schema(place, kind, body):
        return problems
    spec = place.at("spec")
    cluster = body["spec"] if kind == "RayCluster" else body["spec"].get("rayClusterConfig", {})
    where = spec if kind == "RayCluster" else spec.at("rayClusterConfig")
    problems = _check_cluster(where, cluster)
    problems += _check_variables(place, body)
    if kind == "RayService":
        problems += _check_upgrade(spec.at("upgradeStrategy"), body["spec"].get("upgradeStrategy") or {}, cluster)
        with environment(variables | _literal_variables(body)):
            problems += _check_serve(spec.at("serveConfigV2"), body["spec"], _nodes(cluster))
    return problems


def pod_templates(body: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Returns paths and templates of the pods of a resource, the head's first."""
    inner: tuple[str | int, ...] = ("spec",) if body["kind"] == "RayCluster" else ("spec", "rayClusterConfig")
    cluster: Any = body
    for key in inner:
        cluster = cluster.get(key) or {}
    if head := cluster.get("headGroupSpec"):
        yield (*inner, "headGroupSpec", "template"), head.get("template") or {}
    for number, group in enumerate(cluster.get("workerGroupSpecs") or []):
        yield (*inner, "workerGroupSpecs", number, "template"), group.get("template") or {}


@cache
def _schema(kind: str) -> Any:
    schema = json.loads((_SCHEMAS / f"{_KINDS[kind]}.ray.io_v1.json").read_text(encoding="utf-8"))
    _make_strict(schema)
    schema["properties"]["metadata"] = {"type": "object", "required": ["name"]}
    return schema


def _make_strict(schema: Any) -> None:
    """Forbids unknown keys, which an API server would prune, unless the schema preserves them."""
    if isinstance(schema, dict):
        keeps = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
        if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not keeps:
            schema["additionalProperties"] = False
        if schema.get("x-kubernetes-int-or-string"):
            schema["type"] = ["integer", "string"]
        for value in schema.values():
            _make_strict(value)
    elif isinstance(schema, list):
        for value in schema:
            _make_strict(value)


def _against_schema(place: Place, kind: str, body: dict[str, Any]) -> list[Problem]:
    problems = []
    for error in jsonschema.Draft202012Validator(_schema(kind)).iter_errors(body):
        where = place.through(error.absolute_path)
        if error.validator == "additionalProperties":
            known = error.schema.get("properties", {})
            problems += [
                Problem(where.at(key), f"KubeRay knows no such key and would drop it.{did_you_mean(key, known)}")
                for key in error.instance.keys() - known.keys()
            ]
        else:
            problems.append(Problem(where, error.message[:200]))
    return problems


def _check_cluster(place: Place, cluster: dict[str, Any]) -> list[Problem]:
    problems = []
    if cluster.get("rayVersion") != ray.__version__:
        message = f"is {cluster.get('rayVersion')}, and the code is for {ray.__version__}: they must be the same."
        problems.append(Problem(place.at("rayVersion"), message))
    autoscaled = cluster.get("enableInTreeAutoscaling", False)
    for number, group in enumerate(cluster.get("workerGroupSpecs") or []):
        where = place.at("workerGroupSpecs").at(number)
        least, now, most = (group.get(key, 0) for key in ("minReplicas", "replicas", "maxReplicas"))
        if not least <= now <= most:
            message = f"minReplicas {least}, replicas {now} and maxReplicas {most} must be in ascending order."
            problems.append(Problem(where.at("replicas"), message))
        if now < most and not autoscaled:
            message = f"{most} pods are never reached while enableInTreeAutoscaling is off: there are always {now}."
            problems.append(Problem(where.at("maxReplicas"), message))
    images = {
        container.get("image")
        for group in [cluster.get("headGroupSpec") or {}, *(cluster.get("workerGroupSpecs") or [])]
        for container in ((group.get("template") or {}).get("spec") or {}).get("containers", [])[:1]
    }
    if len({str(image).rpartition("-")[0] if str(image).endswith(("-cpu", "-gpu")) else image for image in images}) > 1:
        names = ", ".join(sorted(map(str, images)))
        problems.append(Problem(place, f"Ray must be the same everywhere, and the pods run different images: {names}"))
    return problems


def _check_variables(place: Place, body: dict[str, Any]) -> list[Problem]:
    problems = []
    for path, template in pod_templates(body):
        for number, container in enumerate((template.get("spec") or {}).get("containers") or []):
            values = {entry["name"]: entry.get("value") for entry in container.get("env") or []}
            where = place.through((*path, "spec", "containers", number, "env"))
            problems += check_environment(where, values)
    return problems


def _literal_variables(body: dict[str, Any]) -> dict[str, str]:
    _, head = next(pod_templates(body), ((), {}))
    containers = (head.get("spec") or {}).get("containers") or [{}]
    return {entry["name"]: entry["value"] for entry in containers[0].get("env") or [] if entry.get("value")}


def _check_upgrade(place: Place, upgrade: dict[str, Any], cluster: dict[str, Any]) -> list[Problem]:
    kind = upgrade.get("type", "NewCluster")
    if kind not in _UPGRADES:
        return [Problem(place.at("type"), f"{kind} is none of {', '.join(_UPGRADES)}.{did_you_mean(kind, _UPGRADES)}")]
    if kind != "NewClusterWithIncrementalUpgrade":
        return []
    options = upgrade.get("clusterUpgradeOptions") or {}
    problems = []
    if not options.get("gatewayClassName"):
        problems.append(Problem(place.at("clusterUpgradeOptions"), "an incremental upgrade needs gatewayClassName."))
    if not cluster.get("enableInTreeAutoscaling"):
        problems.append(Problem(place.at("type"), "an incremental upgrade needs enableInTreeAutoscaling."))
    if options.get("stepSizePercent", 0) > options.get("maxSurgePercent", 100):
        message = "stepSizePercent may not be more than maxSurgePercent."
        problems.append(Problem(place.at("clusterUpgradeOptions"), message))
    return problems


def _nodes(cluster: dict[str, Any]) -> list[Node]:
    head = cluster.get("headGroupSpec") or {}
    groups = [(head, "head", 1)]
    groups += [
        (group, group["groupName"], group.get("maxReplicas", 0)) for group in cluster.get("workerGroupSpecs") or []
    ]
    return [_node(group, name, count) for group, name, count in groups if count]


def _node(group: dict[str, Any], name: str, count: int) -> Node:
    """Returns a group's pods as Ray counts them: by its start parameters, else by the limits of the first container."""
    start = group.get("rayStartParams") or {}
    container = (((group.get("template") or {}).get("spec") or {}).get("containers") or [{}])[0]
    limits = {
        **(container.get("resources", {}).get("requests") or {}),
        **(container.get("resources", {}).get("limits") or {}),
    }
    cpu = str(limits.get("cpu", 0))
    cpus = float(cpu[:-1]) / 1000 if cpu.endswith("m") else float(cpu)
    gpus = start.get("num-gpus", limits.get("nvidia.com/gpu", 0))
    return Node(name, float(start.get("num-cpus", cpus)), int(gpus), count, group.get("labels") or {})


def _check_serve(place: Place, spec: dict[str, Any], nodes: list[Node]) -> list[Problem]:
    try:
        bodies = read_yaml(spec.get("serveConfigV2") or "")
    except yaml.YAMLError as error:
        return [Problem(place, " ".join(str(error).split()))]
    if len(bodies) != 1 or not isinstance(bodies[0], dict):
        return [Problem(place, "must be a Serve configuration")]
    problems = check_serve_config(place, bodies[0], nodes)
    host = (bodies[0].get("http_options") or {}).get("host", "0.0.0.0")  # noqa: S104
    if host in _LOOPBACK:
        problems.append(Problem(place.through(("http_options", "host")), f"{host} cannot be reached from other pods."))
    return problems
