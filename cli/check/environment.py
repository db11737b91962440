"""Checks environment variables against `deployments.settings`, which ignores unknown ones."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from pydantic import ValidationError

from cli.check.problem import Place, Problem, did_you_mean
from deployments.settings import SECRETS, Settings

_OTHERS: Final = (
    "CUDA_", "HF_", "HUGGINGFACE_", "KUBERNETES_", "LC_", "LD_", "MALLOC_", "MKL_", "NCCL_", "NVIDIA_", "OMP_", "OTEL_",
    "PIP_", "PYTHON", "PYTORCH_", "RAY_", "SERVE_", "TOKENIZERS_", "TORCH_", "TRANSFORMERS_", "XDG_",
)  # fmt: skip
"""Prefixes of variables that other programs read."""
_OTHER: Final = {
    "HOME",
    "LANG",
    "PATH",
    "POD_IP",
    "REDIS_PASSWORD",
    "TMPDIR",
    "TZ",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
}
COMPOSE: Final = {"UI_PORT", "MCP_PORT", "MEMORY_LIMIT", "IMAGE_TAG", "CUDA_BUILD"}
"""Variables that compose.yaml reads from .env, in addition to the settings."""
_SETTINGS: Final = {name.upper(): name for name in Settings.model_fields}


def check_environment(place: Place, variables: Mapping[str, str | None]) -> list[Problem]:
    """Returns problems for variables that nothing reads, and for invalid settings."""
    problems = [
        Problem(place.at(name), f"there is no such setting.{did_you_mean(name, _SETTINGS)}")
        for name in variables
        if name.upper() not in _SETTINGS and name not in _OTHER | COMPOSE and not name.startswith(_OTHERS)
    ]
    # An empty value counts as unset: `Settings` uses its default.
    given = {name.upper(): value for name, value in variables.items() if name.upper() in _SETTINGS and value}
    try:
        with environment(given):
            Settings(_env_file=None)  # type: ignore[call-arg]
    except ValidationError as error:
        for wrong in error.errors():
            name = str(wrong["loc"][0]).upper()
            value = "its value" if _SETTINGS[name] in SECRETS else repr(given.get(name))
            problems.append(Problem(place.at(name), f"{value} is refused: {wrong['msg']}"))
    return problems


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Runs a builder with a pod's settings, and none of this machine's."""
    before = dict(os.environ)
    for name in _SETTINGS:
        os.environ.pop(name, None)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
