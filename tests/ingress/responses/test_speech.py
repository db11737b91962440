"""What the headers of speech tell."""

import json

import pytest

from deployments.ingress.responses.speech import warnings_header


@pytest.mark.parametrize("count", [0, 1, 5, 200])
def test_warnings_are_told_as_json_that_fits_into_a_header(count: int) -> None:
    warnings = [f"Von «Teil {n}» kann nicht alles gesprochen werden, weil Zeichen fehlen: 你好." for n in range(count)]
    header = warnings_header(warnings)
    assert len(header) <= 2000
    told = json.loads(header)
    left = count - len(told) + 1
    assert told == (warnings if count <= 5 else [*warnings[: len(told) - 1], f"And {left} more."])


def test_a_warning_that_fits_nowhere_is_counted() -> None:
    assert json.loads(warnings_header(["x" * 5000])) == ["There are 1; `details` has them."]
