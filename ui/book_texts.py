"""The texts of the tab of audiobooks, in any language."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BookTexts:
    """One language."""

    tab: str
    new: str
    file: str
    file_info: str
    no_file: str
    chapters: str
    counted: tuple[str, str]
    """One chapter, and several: with `{chapters}`."""
    length: str
    """With `{chapters}` and `{time}`."""
    minutes: str
    """With `{minutes}`."""
    hours: str
    """With `{hours}` and `{minutes}`."""
    title: str
    author: str
    paragraph: str
    paragraph_info: str
    preview: str
    format: str
    format_info: str
    loudness: str
    loudnesses: Mapping[str, str]
    start: str
    started: str
    """With `{title}`, like `confirm`."""
    jobs: str
    job: str
    no_jobs: str
    untitled: str
    states: Mapping[str, str]
    parts: str
    """With `{done}` and `{parts}`."""
    retaken: str
    """With `{count}`: parts that were spoken again."""
    left: str
    """With `{time}`."""
    actions: Mapping[str, str]
    confirm: str
    overruns: str
    """With `{count}`."""
    player: str
    unavailable: str
