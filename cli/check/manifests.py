"""Checks manifests of KubeRay's custom resources, and of the ConfigMaps of their environment."""

from collections.abc import Iterator, Sequence
from typing import Any

from cli.check.documents import Document
from cli.check.environment import check_environment
from cli.check.problem import Problem
from cli.check.ray_resource import check_ray_resource, pod_templates


def check_manifests(documents: Sequence[Document]) -> list[Problem]:
    """Returns the problems of the custom resources; other kinds are left to Kubernetes' own schemas.

    A ConfigMap counts as our settings if one of our pods takes its whole environment from it.
    """
    problems: list[Problem] = []
    settings = {document.body["metadata"]["name"]: document for document in documents if _is(document, "ConfigMap")}
    for name in sorted({name for document in documents for name in _environments(document.body)} & settings.keys()):
        data = settings[name].body.get("data") or {}
        problems += check_environment(settings[name].place.at("data"), data)
    for document in documents:
        if str(document.body["apiVersion"]).startswith("ray.io/"):
            environment: dict[str, str] = {}
            for name in _environments(document.body):
                environment |= settings[name].body.get("data") or {} if name in settings else {}
            problems += check_ray_resource(document.place, document.body, environment)
    return problems


def _is(document: Document, kind: str) -> bool:
    return bool(document.body["kind"] == kind and (document.body.get("metadata") or {}).get("name"))


def _environments(body: dict[str, Any]) -> Iterator[str]:
    """Returns the ConfigMaps that the containers of a Ray resource take their environment from."""
    if str(body["apiVersion"]).startswith("ray.io/"):
        for _, template in pod_templates(body):
            for container in template.get("spec", {}).get("containers") or []:
                for source in container.get("envFrom") or []:
                    if name := (source.get("configMapRef") or {}).get("name"):
                        yield name
