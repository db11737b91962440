"""Reads times of day and durations in English."""

import re
from typing import Final

from deployments.text.numerals import spell_number

_HALF: Final = r"(?: ?(?P<half>[ap])(?:m\b|\.m\.?|m\.))"
_ZONE: Final = r"(?: ?(?P<zone>e\.?[sd]?\.?t|c\.?[sd]?\.?t|m\.?[sd]\.?t|p\.?[sd]?\.?t|gmt|utc|cet|cest|bst)\b\.?)"
_CLOCK: Final = r"(?P<hour>2[0-4]|[01]?\d):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?"
_RIGHT: Final = r"(?![\w%]|[.,:/'–-]\d)"
_TIME: Final = (
    rf"(?:{_CLOCK}(?:{_HALF})?|(?P<hour2>1[0-2]|0?[1-9])(?:\.(?P<minute2>[0-5]\d))?{_HALF.replace('half', 'half2')})"
)
_NAMELESS: Final = re.sub(r"\?P<\w+>", "?:", _TIME)
TIME: Final = re.compile(
    rf"(?<![\w.,:/$€£¥-]){_TIME}{_ZONE}?{_RIGHT}(?P<end>(?<=\.)(?=$|\n| (?-i:[A-Z])))?", re.IGNORECASE
)
TIMES: Final = re.compile(
    rf"(?<![\w.,:/$€£¥-])(?:{_NAMELESS}|(?P<plain>1[0-2]|[1-9])) ?[-–] ?(?P<last>{_NAMELESS}){_RIGHT}", re.IGNORECASE
)
RATIO: Final = re.compile(r"(?<![\w.,:/-])(\d{1,4}):(\d{1,3}(?:,\d{3})+|\d|\d{3,4})(?![\w:/]|[.,-]\d)")


def read_time(match: re.Match[str]) -> str | None:
    """Reads a match of TIME: five o'clock, ten oh five PM EST, fourteen hours ten minutes and thirty seconds."""
    words = _spoken(match)
    if zone := match["zone"]:
        words += f" {zone.replace('.', '').upper()}"
    # The full stop of "5 p.m." also ends its sentence.
    return words + "." if match["end"] is not None else words


def read_times(match: re.Match[str]) -> str | None:
    """Reads a match of TIMES: five to seven PM."""
    last = TIME.fullmatch(match["last"])
    if match["plain"]:
        return last and f"{_number(match['plain'])} to {_spoken(last)}"
    first = TIME.fullmatch(re.split(r" ?[-–] ?", match.group())[0])
    return f"{_spoken(first)} to {_spoken(last)}" if first and last else None


def read_ratio(match: re.Match[str]) -> str | None:
    """Reads a match of RATIO: three to two."""
    return f"{_number(match[1])} to {_number(match[2])}"


def _spoken(match: re.Match[str]) -> str:
    hour, minute, second = match["hour"] or match["hour2"], match["minute"] or match["minute2"], match["second"]
    half = (match["half"] or match["half2"] or "").upper()
    if second:
        words = f"{_counted(hour, 'hour')} {_counted(minute or '0', 'minute')} and {_counted(second, 'second')}"
    elif int(minute or 0):
        words = f"{_number(hour)} {'oh ' if int(minute) < 10 else ''}{_number(minute)}"
    else:
        words = _number(hour) if half else f"{_number(hour)} o'clock"
    return f"{words} {half}M" if half else words


def _counted(written: str, unit: str) -> str:
    return f"{_number(written)} {unit}{'' if int(written) == 1 else 's'}"


def _number(written: str) -> str:
    return spell_number(written.replace(",", "").lstrip("0") or "0", "", "en") or written
