"""Strict checks of configuration, for errors that Serve and Kubernetes ignore or report much later."""

from collections.abc import Sequence

from cli.check.capacity import Node
from cli.check.documents import read_documents
from cli.check.environment import check_environment
from cli.check.manifests import check_manifests
from cli.check.problem import Problem
from cli.check.serve_config import check_serve_config


def check_files(files: Sequence[str], machine: Node | None = None) -> list[Problem]:
    """Returns the problems of the files, in order; none if all is well.

    Args:
        files: Paths; `-` is standard input. Manifests are checked together: a RayService may take its environment from
            a ConfigMap in another file.
        machine: The machine that a Serve configuration must fit on; None skips that check.
    """
    problems: list[Problem] = []
    manifests = []
    for file in files:
        found, unread = read_documents(file)
        problems += unread
        for document in found:
            if document.kind == "settings":
                problems += check_environment(document.place, document.body)
            elif document.kind == "serve":
                problems += check_serve_config(document.place, document.body, [machine] if machine else [])
            else:
                manifests.append(document)
    return problems + check_manifests(manifests)
