"""`llasa-serve serve`: its options, and what it refuses before anything starts."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.__main__ import build_parser, main
from cli.serve.command import choose_config
from cli.serve.config import CONFIG, read_config, service_arguments
from cli.settings import read_settings
from deployments.settings import Settings
from tests.support.documents import ROOT


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # away from a .env
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., Path]:
    """Writes the shipped configuration with changes to that of the service."""

    def write(**changes: Any) -> Path:
        body = read_config()
        body["applications"][0] |= changes
        path = tmp_path / "serve.yaml"
        path.write_text(yaml.safe_dump(body), encoding="utf-8")
        return path

    return write


def refused(*arguments: str) -> str:
    """The message of a start that fails at once."""
    with pytest.raises(SystemExit) as ended:
        main(["serve", *arguments])
    return str(ended.value.code)


def test_the_package_ships_the_configuration_at_the_top_of_the_repository() -> None:
    assert CONFIG.resolve() == ROOT / "serve_config.yaml"


def test_help_names_each_option_with_the_setting_that_it_overrides(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["serve", "--help"])
    text = capsys.readouterr().out
    for option, setting in {"--host": "$API_HOST", "--port": "$API_PORT", "--profile": "$PROFILE"}.items():
        assert option in text
        assert setting in text
    assert "--config FILE" in text


def test_the_help_imports_no_ray() -> None:
    code = "import sys, cli.__main__; cli.__main__.build_parser(); print({'ray', 'torch', 'mcp'} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    assert result.stdout == "set()\n"


def test_options_override_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"API_HOST": "::1", "API_PORT": "1", "PROFILE": "llasa-1b"}.items():
        monkeypatch.setenv(name, value)
    settings = read_settings(api_host="127.0.0.1", api_port=2, profile="nano")
    assert (settings.api_host, settings.api_port, settings.profile) == ("127.0.0.1", 2, "nano")
    assert read_settings(api_port=None).api_port == 1


def test_the_profile_overrides_that_of_the_configuration(config: Callable[..., Path]) -> None:
    path = config(args={"profile": "llasa-8b", "node_gpus": 1})
    for option, profile in ((), "llasa-8b"), (("--profile", "nano"), "nano"):
        given = build_parser().parse_args(["serve", "--config", str(path), *option])
        assert service_arguments(choose_config(given)) == {"profile": profile, "node_gpus": 1}


def test_an_option_out_of_range_is_named() -> None:
    message = refused("--port", "70000", "--profile", "huge")
    assert "API_PORT=70000: Input should be less than or equal to 65535" in message
    assert "PROFILE='huge': There is no profile 'huge', only 'auto', 'nano'" in message


def test_a_configuration_with_a_mistake_is_refused(config: Callable[..., Path]) -> None:
    assert "profil: the builder has no such argument. Did you mean profile?" in refused(
        "--config", str(config(args={"profil": "nano"}))
    )


def test_a_configuration_without_the_service_is_refused(config: Callable[..., Path]) -> None:
    path = config(import_path="ui.app:build", deployments=[])
    assert refused("--config", str(path)) == "No application has the import_path deployments.app:build."


@pytest.mark.parametrize("name", [".env.example", "k8s/nano/serve.yaml", "k8s/base/redis.yaml"])
def test_a_file_that_is_no_configuration_is_refused(name: str) -> None:
    assert "must hold one Serve configuration" in refused("--config", str(ROOT / name))


def test_a_configuration_that_does_not_exist_is_refused() -> None:
    assert refused("--config", "nowhere.yaml").startswith("nowhere.yaml: cannot be read")
