"""The settings of a command."""

import sys
from typing import Any

from pydantic import ValidationError

from deployments.settings import SECRETS, Settings


def read_settings(**options: Any) -> Settings:
    """Returns the settings, overridden by the given options; exits with a message if one is invalid."""
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        lines = [
            f"  {str(e['loc'][0]).upper()}{'' if e['loc'][0] in SECRETS else '=' + repr(e['input'])}: {e['msg']}"
            for e in error.errors()
        ]
        sys.exit("Invalid settings in the environment, .env or the options:\n" + "\n".join(lines))
