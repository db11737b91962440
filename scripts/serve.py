"""Runs the service of serve_config.yaml on this machine until it is stopped. `scripts/start.sh` calls it."""

import contextlib
import io
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn, cast

import yaml
from pydantic import SecretStr, ValidationError

from deployments.arguments import Arguments
from deployments.checkpoints import fetch_checkpoint
from deployments.errors import Unavailable
from deployments.profiles import Profile
from deployments.settings import SECRETS, Settings

if TYPE_CHECKING:
    from ray.serve._private.client import ServeControllerClient

CONFIG = Path(__file__).resolve().parent.parent / "serve_config.yaml"
RAY_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "deployments.ingress.proxy:middlewares",
    # A proxy is replaced after three failed checks. At Serve's default of 10 s, nobody could connect for 30 s.
    "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "1",
}
"""Environment variables for Ray. The Dockerfile sets the same for clusters."""


def main() -> int:
    """Starts the service, waits until it is ready, prints its URLs, and stops it cleanly."""
    settings = _settings()
    _check_ports(settings)
    say = _Progress()
    try:
        say("Starting Ray")
        deploy(settings, say)
        for kind in (signal.SIGINT, signal.SIGTERM):  # not earlier: Ray has installed its own handlers
            signal.signal(kind, _interrupt)
        wait(say)
        say.ready(settings)
        signal.pause()
    except KeyboardInterrupt:
        say("Stopping")
    except StartFailed as error:
        say(f"The service did not start. {error}")
        return 1
    finally:
        stop()
    say("Stopped")
    return 0


class StartFailed(Exception):
    """A deployment cannot start; the message is the reason."""


class _Progress:
    """Prints lines with the seconds since the start."""

    def __init__(self) -> None:
        self._begin = time.monotonic()

    def __call__(self, line: str) -> None:
        print(f"[{time.monotonic() - self._begin:5.1f} s] {line}", flush=True)

    def ready(self, settings: Settings) -> None:
        host = "127.0.0.1" if settings.api_host in ("0.0.0.0", "::") else settings.api_host  # noqa: S104
        url = f"http://{host}:{settings.api_port}"
        self("Ready")
        print(
            f"\n  Page                {url}/ui/"
            f"\n  Speech         POST {url}/api/tts"
            f"\n  Transcription  POST {url}/api/transcribe"
            f"\n  Health         GET  {url}/health"
            f"\n  Documentation       {url}/apidocs"
            "\n\nCtrl-C stops it.",
            flush=True,
        )


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"  {str(e['loc'][0]).upper()}{'' if e['loc'][0] in SECRETS else '=' + repr(e['input'])}: {e['msg']}"
            for e in error.errors()
        ]
        sys.exit("A setting of the environment or of .env is wrong:\n" + "\n".join(lines))


def _check_ports(settings: Settings) -> None:
    _check_port(settings.api_host, settings.api_port, "API_PORT")
    if settings.metrics_port:
        _check_port("0.0.0.0", settings.metrics_port, "METRICS_PORT")  # noqa: S104 - as Ray listens


def _check_port(host: str, port: int, setting: str) -> None:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        sys.exit(
            f"{host}:{port} cannot be listened on ({error.strerror}): stop what is there, "
            f"or set {setting} to another port."
        )


def deploy(settings: Settings, say: Callable[[str], None]) -> None:
    """Starts Ray in this process, fetches the checkpoints, and deploys serve_config.yaml.

    Raises:
        StartFailed: a checkpoint is not available, or the profile's GPU.
    """
    # Settings in .env must reach the replicas, too, which inherit the environment, but not the working directory.
    os.environ |= _environment(settings) | RAY_ENVIRONMENT

    import ray
    from ray import serve
    from ray.serve.context import _get_global_client
    from ray.serve.schema import ServeDeploySchema

    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    http = config.pop("http_options") | {"host": settings.api_host, "port": settings.api_port}
    ray.init(
        address="local",
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        _metrics_export_port=settings.metrics_port,
    )
    gpus = ray.cluster_resources().get("GPU", 0)
    profile = Arguments(**config["applications"][0]["args"]).profile_for(settings, lambda: gpus)
    if profile.device == "cuda" and not gpus:
        raise StartFailed(
            f"The profile {profile.name} needs a GPU, and Ray finds none on this machine: see what nvidia-smi says (in "
            "Docker, `--gpus all`), or set PROFILE=nano."
        )
    _fetch(profile, settings, say)
    logging_config = {"encoding": settings.log_format.upper(), "log_level": settings.log_level}
    serve.start(http_options=http, proxy_location=config.pop("proxy_location"), logging_config=logging_config)
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


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, signal.SIG_IGN)  # a second signal would interrupt the shutdown
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
