"""Reads texts with markup."""

from typing import Literal

from deployments.text.html import has_html, strip_html
from deployments.text.markdown import CodeBlocks, is_markdown, read_markdown
from deployments.text.script import Script, Segment
from deployments.text.ssml import is_ssml, read_ssml

InputFormat = Literal["auto", "plain", "markdown", "ssml"]


def read_markup(
    text: str, input_format: InputFormat = "auto", *, code: CodeBlocks = "skip", param: str = "input"
) -> Script:
    """Returns what a text says, without its markup. `[pause:1.5s]` and `[voice:name]` are taken in every format.

    Args:
        text: As the caller sent it.
        input_format: `auto` reads SSML if its root is `speak`, Markdown if it has marks that plain text hardly has,
            and strips tags and entities of HTML; else the text is plain.
        code: Whether code blocks of Markdown are spoken.
        param: Name of the request's field, for errors.

    Raises:
        InvalidText: the SSML cannot be read.
    """
    if input_format == "ssml" or (input_format == "auto" and is_ssml(text)):
        return read_ssml(text, param)
    if input_format == "markdown" or (input_format == "auto" and is_markdown(text)):
        text = read_markdown(text, code)
    elif input_format == "auto" and has_html(text):
        text = strip_html(text)
    return Script.of([Segment(text)])
