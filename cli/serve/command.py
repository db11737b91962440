"""`llasa-serve serve`: starts the service, and stops it when asked to."""

import argparse
import signal
import socket
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

from cli.serve.config import InvalidConfig, read_config, service_arguments
from cli.serve.local import StartFailed, deploy, finish, stop, wait, warm_up
from cli.settings import read_settings
from deployments.settings import Settings


def run_serve(given: argparse.Namespace) -> int:
    """Starts the service, waits until it is ready, prints its URLs, and stops it cleanly; returns the exit status."""
    settings = read_settings(api_host=given.host, api_port=given.port, profile=given.profile)
    config = choose_config(given)
    _check_ports(settings)
    say = _Progress()
    ready = False
    try:
        say("Starting Ray")
        deploy(settings, config, say)
        _on_signals(_interrupt)  # not earlier: Ray has installed its own handlers
        wait(say)
        ready = True
        say.ready(settings)
        if settings.warm_up:
            warm_up(config, say)
        signal.pause()
    except KeyboardInterrupt:
        say("Stopping")
        if ready:
            _finish(config, say)
    except StartFailed as error:
        say(f"The service did not start. {error}")
        return 1
    finally:
        stop()
    say("Stopped")
    return 0


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
            f"\n  Page                {url}/"
            f"\n  Speech         POST {url}/api/tts"
            f"\n  Transcription  POST {url}/api/transcribe"
            f"\n  Health         GET  {url}/health"
            f"\n  Documentation       {url}/apidocs"
            "\n\nCtrl-C stops it.",
            flush=True,
        )


def choose_config(given: argparse.Namespace) -> dict[str, Any]:
    """Returns the configuration, with the profile of the options; exits with a message if it is invalid."""
    try:
        config = read_config(given.config)
    except InvalidConfig as error:
        sys.exit(str(error))
    if given.profile:
        service_arguments(config)["profile"] = given.profile
    return config


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


def _finish(config: dict[str, Any], say: Callable[[str], None]) -> None:
    """Lets running requests end, unless a second signal comes."""
    try:
        _on_signals(_interrupt)
        finish(config, say)
        _on_signals(signal.SIG_IGN)
    except KeyboardInterrupt:
        say("Not waiting for running requests")


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    _on_signals(signal.SIG_IGN)  # another signal would interrupt the shutdown
    raise KeyboardInterrupt


def _on_signals(action: Callable[[int, FrameType | None], NoReturn] | signal.Handlers) -> None:
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, action)
