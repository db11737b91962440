"""serve_config.yaml, against Serve's own schema and our arguments. Serve itself ignores keys that it does not know."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.serve.schema import ServeDeploySchema

from deployments.arguments import Arguments

CONFIG: dict[str, Any] = yaml.safe_load((Path(__file__).parent.parent / "serve_config.yaml").read_text())


def known(config: dict[str, Any]) -> dict[str, Any]:
    """What of a configuration Serve understands."""
    kept: dict[str, Any] = ServeDeploySchema.model_validate(config).model_dump(exclude_unset=True, mode="json")
    return kept


def test_serve_knows_every_key() -> None:
    assert known(CONFIG) == CONFIG


def test_the_check_finds_a_key_that_serve_would_ignore() -> None:
    deployment = {"name": "Ingress", "num_replica": 2}
    wrong = CONFIG | {"applications": [CONFIG["applications"][0] | {"deployments": [deployment]}]}
    assert known(wrong) != wrong


def test_the_arguments_are_those_of_the_builder() -> None:
    Arguments.model_validate(CONFIG["applications"][0]["args"])
    with pytest.raises(ValueError, match="profil"):
        Arguments.model_validate({"profil": "nano"})
