"""Builds the page's application. serve_config.yaml names `build`."""

from pydantic import BaseModel, ConfigDict
from ray import serve
from ray.serve import Application
from ray.serve.schema import LoggingConfig

from deployments.settings import Settings
from ui.deployment import UiDeployment


class Arguments(BaseModel):
    """Arguments in serve_config.yaml under `args`."""

    model_config = ConfigDict(extra="forbid")

    service: str = "llasa-serve"
    """Name of the service's application."""


def build(arguments: Arguments) -> Application:
    """Builds the page with one replica, from the settings."""
    settings = Settings()
    logging = LoggingConfig(log_level=settings.log_level, encoding=settings.log_format.upper())
    return serve.deployment(name="Ui", logging_config=logging, health_check_period_s=0.5)(UiDeployment).bind(
        settings, arguments.service
    )
