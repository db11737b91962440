"""Reads the Serve configuration to deploy."""

from pathlib import Path
from typing import Any, Final

import yaml

CONFIG: Final = Path(__file__).with_name("serve_config.yaml")
"""The configuration that the package ships: a link to the one at the top of the repository."""
_BUILDER: Final = "deployments.app:build"


class InvalidConfig(Exception):
    """A file is no valid configuration of the service; the message lists its problems."""


def read_config(file: str | None = None) -> dict[str, Any]:
    """Returns the configuration in a file, which is checked first; by default the one that the package ships.

    Raises:
        InvalidConfig: there is a problem.
    """
    if file is None:
        shipped: dict[str, Any] = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
        return shipped
    from cli.check.documents import read_documents
    from cli.check.serve_config import check_serve_config

    documents, problems = read_documents(file)
    if not problems and [document.kind for document in documents] != ["serve"]:
        raise InvalidConfig(f"{file}: must hold one Serve configuration, with `applications`.")
    for document in documents:
        problems += check_serve_config(document.place, document.body, [])
    if problems:
        raise InvalidConfig("\n".join(map(str, problems)))
    service_arguments(documents[0].body)
    return documents[0].body


def service_arguments(config: dict[str, Any]) -> dict[str, Any]:
    """Returns the `args` of the service in a configuration; raises InvalidConfig."""
    arguments: dict[str, Any] = service_application(config).setdefault("args", {})
    return arguments


def service_application(config: dict[str, Any]) -> dict[str, Any]:
    """Returns the application of the service in a configuration.

    Raises:
        InvalidConfig: the configuration does not deploy the service.
    """
    for application in config["applications"]:
        if application["import_path"] == _BUILDER:
            found: dict[str, Any] = application
            return found
    raise InvalidConfig(f"No application has the import_path {_BUILDER}.")
