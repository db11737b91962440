"""The version of the service. `pyproject.toml` sets it."""

from importlib.metadata import version
from typing import Final

VERSION: Final = version("llasa-serve")
