"""Where the modules of this project log to."""

import logging
from collections.abc import Iterator

import pytest

from deployments.log import log_beside_serve


@pytest.fixture
def serve_log() -> Iterator[list[str]]:
    """What reaches the log of Serve."""
    lines: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.name}: {record.getMessage()}")

    loggers = [logging.getLogger(name) for name in ("ray.serve", "deployments", "ui")]
    kept = [(logger, logger.handlers, logger.level) for logger in loggers]
    loggers[0].handlers = [Handler()]
    loggers[0].setLevel(logging.INFO)
    yield lines
    for logger, handlers, level in kept:
        logger.handlers = handlers
        logger.setLevel(level)


@pytest.mark.parametrize("module", ["deployments.audio.decoder", "ui.failure"])
def test_every_module_logs_under_its_name_to_where_serve_does(serve_log: list[str], module: str) -> None:
    log_beside_serve()
    logging.getLogger(module).info("something")
    logging.getLogger(module).debug("too little for the level")
    assert serve_log == [f"{module}: something"]
