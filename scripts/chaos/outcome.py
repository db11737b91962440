"""What became of one request: right, refused, broken off, lost or wrong."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from scripts.chaos.case import Case, Kind, parse_events
from scripts.chaos.reply import Reply

_KEYS: Final = {"message", "type", "param", "code"}


class Outcome(StrEnum):
    """How a request ended, as its client sees it."""

    RIGHT = "right"
    """200 and the expected answer."""
    REFUSED = "refused"
    """4xx or 503 with OpenAI's error envelope."""
    BROKEN_OFF = "broken off"
    """A stream that ended with an error event or a visibly unfinished body."""
    LOST = "lost"
    """Any other failure: 500, no envelope, connection reset, time-out."""
    WRONG = "wrong"
    """200, but another answer than expected, or a truncated one that looks complete."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome and its reason."""

    outcome: Outcome
    detail: str = ""


def judge(case: Case, reply: Reply, expected: bytes | None = None) -> Verdict:
    """Classifies a reply.

    Args:
        case: The request.
        reply: Its reply.
        expected: Content of the right answer. None accepts any complete answer.
    """
    if reply.status is None:
        return Verdict(Outcome.LOST, reply.error)
    if reply.status != 200:
        return _judge_failure(reply, reply.status)
    if reply.error:
        streamed = case.kind is not Kind.WHOLE and not reply.timed_out
        return Verdict(Outcome.BROKEN_OFF if streamed else Outcome.LOST, reply.error)
    if case.kind is Kind.EVENTS:
        try:
            *_, last = [{}, *parse_events(reply.body)]
        except ValueError:
            return Verdict(Outcome.WRONG, "the event stream ended in the middle of an event")
        if "error" in last:
            return Verdict(*_error_event(last))
        if not str(last.get("type", "")).endswith(".done"):
            return Verdict(Outcome.WRONG, "the event stream ended without its last event")
    content = case.content(reply.body)
    if content is None:
        return Verdict(Outcome.WRONG, f"200 with an unreadable body of {len(reply.body)} bytes")
    if expected is not None and content != expected:
        return Verdict(Outcome.WRONG, f"{len(content)} bytes that differ from the {len(expected)} expected")
    return Verdict(Outcome.RIGHT)


def _judge_failure(reply: Reply, status: int) -> Verdict:
    detail = f"{status} {reply.body[:120]!r}"
    clear = 400 <= status < 500 or status == 503
    if not clear or not is_envelope(reply.body) or reply.error:
        return Verdict(Outcome.LOST, detail)
    if status == 429 and "retry-after" not in reply.headers:
        return Verdict(Outcome.LOST, "429 without Retry-After")
    return Verdict(Outcome.REFUSED, detail)


def _error_event(event: dict[str, Any]) -> tuple[Outcome, str]:
    if is_error(event["error"]):
        return Outcome.BROKEN_OFF, str(event["error"]["message"])
    return Outcome.LOST, f"an error event without the envelope's keys: {event['error']!r:.120}"


def is_envelope(body: bytes) -> bool:
    """Whether a body is OpenAI's error envelope with all four keys."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return False
    return isinstance(parsed, dict) and is_error(parsed.get("error"))


def is_error(error: object) -> bool:
    """Whether an envelope's `error` has all four keys and a message."""
    return isinstance(error, dict) and error.keys() >= _KEYS and bool(error["message"])
