"""Turns failures into readable sentences."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from deployments.errors import ServiceError
from ui.texts import Texts

logger = logging.getLogger(__name__)


def sentence(error: Exception, texts: Texts) -> str:
    """Returns the service's message, after a translated phrase if the page's language has one."""
    if not isinstance(error, ServiceError):
        return texts.something_wrong
    kind = texts.failures.get(error.code)
    return f"{kind}：{error.message}" if kind else error.message


@contextmanager
def show_failures(texts: Texts) -> Iterator[None]:
    """Shows a failure on the page, and logs unexpected ones."""
    try:
        yield
    except gr.Error:
        raise
    except Exception as error:
        if not isinstance(error, ServiceError):
            logger.exception("The page failed")
        raise gr.Error(sentence(error, texts), duration=15, title=texts.title) from error
