"""Logging of this package's modules."""

import logging


def log_beside_serve() -> None:
    """Sends the logs of this package and the page to Serve's handlers: a replica's file, formatted by LOG_FORMAT.

    Call it in a replica: Serve has configured its logger by then.
    """
    serve = logging.getLogger("ray.serve")
    for package in ("deployments", "ui"):
        logger = logging.getLogger(package)
        logger.handlers = serve.handlers
        logger.setLevel(serve.level)
