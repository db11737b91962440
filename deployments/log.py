"""Where the modules of this package log to."""

import logging


def log_beside_serve() -> None:
    """Sends what this package and the page log to where Serve sends its own: a replica's file, as LOG_FORMAT says.

    Call it in a replica: Serve has configured its logger by then.
    """
    serve = logging.getLogger("ray.serve")
    for package in ("deployments", "ui"):
        logger = logging.getLogger(package)
        logger.handlers = serve.handlers
        logger.setLevel(serve.level)
