"""Reads files as documents: Serve configurations, manifests, settings."""

import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from dotenv import dotenv_values

from cli.check.problem import Place, Problem

Kind = Literal["settings", "serve", "manifest"]


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file."""

    place: Place
    kind: Kind
    body: dict[str, Any]


class _StrictLoader(yaml.SafeLoader):
    """Rejects duplicate keys: YAML's loader would silently keep the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    "while reading a mapping", node.start_mark, f"the key {name} is given twice", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)


def read_yaml(text: str) -> list[Any]:
    """Returns all documents of a YAML text.

    Raises:
        yaml.YAMLError: the text is not YAML, or has a duplicate key.
    """
    return list(yaml.load_all(text, _StrictLoader))


def read_documents(file: str) -> tuple[list[Document], list[Problem]]:
    """Returns the documents of a file, and the problems of reading it."""
    place = Place("standard input" if file == "-" else file)
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return [], [Problem(place, f"cannot be read: {error}")]
    if Path(file).suffix not in (".yaml", ".yml", ".json") and file != "-":
        return [Document(place, "settings", dict(dotenv_values(stream=io.StringIO(text))))], []
    try:
        bodies = read_yaml(text)
    except yaml.YAMLError as error:
        return [], [Problem(place, " ".join(str(error).split()))]
    documents, problems = [], []
    for number, body in enumerate(bodies):
        where = place if len(bodies) == 1 else Place(place.file, f"document {number + 1}")
        if not isinstance(body, dict):
            problems.append(Problem(where, f"holds {type(body).__name__} where a mapping belongs"))
        elif "apiVersion" in body and "kind" in body:
            name = (body.get("metadata") or {}).get("name", "without a name")
            documents.append(Document(Place(place.file, f"{body['kind']}/{name}"), "manifest", body))
        elif "applications" in body:
            documents.append(Document(where, "serve", body))
        else:
            problems.append(Problem(where, "is neither a Serve configuration (applications) nor a manifest (kind)"))
    return documents, problems
