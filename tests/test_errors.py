import pickle

import pytest

from deployments import errors
from deployments.errors import ServiceError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ServiceError)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_crosses_processes_whole(kind: type[ServiceError]) -> None:
    error = pickle.loads(pickle.dumps(kind("What was wrong.", "field", 5)))  # noqa: S301
    assert type(error) is kind
    assert (str(error), error.message, error.param, error.retry_after_s) == (
        "What was wrong.",
        "What was wrong.",
        "field",
        5,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_has_a_status_and_a_code(kind: type[ServiceError]) -> None:
    assert 400 <= kind.status < 600
    assert kind.code
    assert kind.type in ("invalid_request_error", "rate_limit_error", "server_error")
