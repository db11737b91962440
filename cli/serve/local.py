"""Starts and stops Ray on this machine, with the deployments of a configuration."""

import contextlib
import copy
import io
import logging
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

from pydantic import SecretStr

from cli.serve.config import service_application, service_arguments
from deployments.arguments import Arguments
from deployments.checkpoints import fetch_checkpoint
from deployments.errors import Unavailable
from deployments.profiles import InvalidProfiles, Profile
from deployments.settings import Settings

if TYPE_CHECKING:
    from ray.serve._private.client import ServeControllerClient
    from ray.serve.handle import DeploymentHandle

RAY_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "deployments.ingress.proxy:middlewares",
    # A proxy is replaced after three failed checks. At Serve's default of 10 s, nobody could connect for 30 s.
    "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "1",
}
"""Environment variables for Ray. The Dockerfile sets the same for clusters."""

_ORDER_S: Final = 30.0
"""Seconds that an order to load models may take."""
_DRAIN_S: Final = 80.0
"""Seconds in which requests may end when the service is stopped: less than systemd (90) and compose.yaml (120) wait."""
_LAST_BYTES_S: Final = 0.5
"""Seconds in which the last bytes pass Serve's proxy, which is killed without a question."""


class StartFailed(Exception):
    """A deployment cannot start; the message is the reason."""


def deploy(settings: Settings, config: dict[str, Any], say: Callable[[str], None]) -> None:
    """Starts Ray in this process, fetches the checkpoints, and deploys a configuration.

    Args:
        settings: Host and port override those of the configuration.
        config: Deploys the service, and whatever else.
        say: Reports progress.

    Raises:
        InvalidConfig: the configuration does not deploy the service.
        StartFailed: a checkpoint cannot be used, or a GPU is missing that the profile or its weights need.
    """
    config = copy.deepcopy(config)
    given = service_arguments(config)
    # Settings in .env must reach the replicas, too, which inherit the environment, but not the working directory.
    os.environ |= _environment(settings) | RAY_ENVIRONMENT

    import ray
    from ray import serve
    from ray.serve.context import _get_global_client
    from ray.serve.schema import ServeDeploySchema

    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    http = config.get("http_options", {}) | {"host": settings.api_host, "port": settings.api_port}
    ray.init(
        address="local",
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        _metrics_export_port=settings.metrics_port,
    )
    gpus = ray.cluster_resources().get("GPU", 0)
    try:
        profile = Arguments(**given).profile_for(settings, lambda: gpus)
    except InvalidProfiles as error:
        raise StartFailed(str(error)) from error
    given |= {"profile": profile.name, "weights": profile.weights, "reason": profile.reason}
    say(f"Profile {profile.name}: {profile.reason}")
    if profile.device == "cuda" and not gpus:
        raise StartFailed(
            f"The profile {profile.name} needs a GPU, and Ray finds none on this machine: see what nvidia-smi says (in "
            "Docker, `--gpus all`), or set PROFILE=nano."
        )
    if profile.device == "cpu" and profile.weights == "fp8":
        raise StartFailed(
            f"LLASA_WEIGHTS=fp8 needs a GPU, and the profile {profile.name} uses the CPU: set LLASA_WEIGHTS to int8 or "
            "auto."
        )
    _fetch(profile, settings, say)
    logging_config = {"encoding": settings.log_format.upper(), "log_level": settings.log_level}
    location = config.get("proxy_location", "EveryNode")
    serve.start(http_options=http, proxy_location=location, logging_config=logging_config)
    cast("ServeControllerClient", _get_global_client()).deploy_apps(ServeDeploySchema(**config))


def _fetch(profile: Profile, settings: Settings, say: Callable[[str], None]) -> None:
    """Downloads in advance, with visible progress."""
    for source in (profile.llasa, profile.xcodec2, profile.whisper):
        say(f"Checkpoint {source}")
        try:
            fetch_checkpoint(source, settings)
        except Unavailable as error:
            raise StartFailed(error.message) from error


def _environment(settings: Settings) -> dict[str, str]:
    """Returns the settings that differ from their defaults, as environment variables."""
    values = settings.model_dump(exclude_unset=True)
    for name, value in values.items():
        if isinstance(value, SecretStr):
            values[name] = value.get_secret_value()
    return {name.upper(): str(value) for name, value in values.items() if value is not None}


def wait(say: Callable[[str], None]) -> None:
    """Returns when every deployment is up; raises StartFailed if one cannot start."""
    from ray import serve
    from ray.serve.schema import ApplicationStatus

    seen: dict[str, str] = {}
    while True:
        applications = serve.status().applications
        for application in applications.values():
            for name, deployment in application.deployments.items():
                status = deployment.status.value.lower()
                if seen.get(name) != status:
                    seen[name] = status
                    say(f"{name}: {status}")
            if application.status == ApplicationStatus.DEPLOY_FAILED:
                messages = [d.message for d in application.deployments.values()] + [application.message]
                raise StartFailed(_reason("\n".join(messages)))
        if applications and all(a.status == ApplicationStatus.RUNNING for a in applications.values()):
            return
        time.sleep(0.2)


def _reason(message: str) -> str:
    """Extracts our own error from Ray's report of it, or returns the report."""
    for line in reversed(message.splitlines()):
        kind, _, reason = line.strip().partition(": ")
        if kind.startswith("deployments.errors."):
            return reason
    return message


def warm_up(config: dict[str, Any], say: Callable[[str], None]) -> None:
    """Orders the models that most requests need to be loaded; does not wait for them."""
    from ray import serve
    from ray.exceptions import RayError
    from ray.serve.exceptions import RayServeException

    service: DeploymentHandle[Any] = serve.get_app_handle(service_application(config)["name"])
    try:
        service.options(method_name="warm_up").remote().result(timeout_s=_ORDER_S)
    except (RayError, RayServeException, TimeoutError) as error:  # the service works without
        say(f"The models are not loaded in advance: {error}")


def finish(config: dict[str, Any], say: Callable[[str], None]) -> None:
    """Refuses new requests, and waits some time for those that run."""
    from ray import serve
    from ray.exceptions import RayError
    from ray.serve.exceptions import RayServeException

    ingress: DeploymentHandle[Any] = serve.get_app_handle(service_application(config)["name"])
    try:
        ingress.broadcast("drain").results(timeout_s=_DRAIN_S)
    except (RayError, RayServeException, TimeoutError) as error:
        say(f"Not all requests have ended: {error}")
    time.sleep(_LAST_BYTES_S)


def stop() -> None:
    """Stops what `deploy` has started."""
    if "ray" not in sys.modules:
        return
    import ray
    from ray import serve

    if ray.is_initialized():
        # Ray 2.60 reports the end of Serve's controller as a failure.
        hidden = io.StringIO()
        with contextlib.redirect_stderr(hidden), contextlib.redirect_stdout(hidden):
            serve.shutdown()
            ray.shutdown()
