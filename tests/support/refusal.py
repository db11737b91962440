"""What a refused request is answered with."""

import httpx


def refused(answer: httpx.Response, status: int, code: str, param: str | None, message: str) -> None:
    """Asserts that an answer is an error in the usual envelope; `message` is part of its text."""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["code"], error["param"]) == (code, param)
    assert message in error["message"]
