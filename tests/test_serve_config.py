"""serve_config.yaml, against Serve's own schema and our arguments. Serve itself ignores keys that it does not know."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.serve.schema import ServeDeploySchema

from deployments.arguments import Arguments
from deployments.ingress.application import PAGE
from deployments.profiles import PROFILES

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


def test_the_root_leads_to_the_page_where_that_is_deployed() -> None:
    [prefix] = [app["route_prefix"] for app in CONFIG["applications"] if app["import_path"] == "ui.app:build"]
    assert f"{prefix}/" == PAGE


def test_a_second_ingress_goes_on_when_one_dies_and_with_nano_all_of_it_fits_on_one_cpu() -> None:
    deployments = [one for application in CONFIG["applications"] for one in application["deployments"]]
    (ingress,) = [one for one in deployments if one["name"] == "Ingress"]
    assert ingress["num_replicas"] == 2
    nano = PROFILES["nano"]
    fixed = sum(one["num_replicas"] * one["ray_actor_options"]["num_cpus"] for one in deployments)
    assert fixed + nano.llasa_cpus + nano.xcodec2_cpus + nano.whisper_cpus <= 1
