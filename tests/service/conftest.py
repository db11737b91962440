"""The service on the real tiny models, as the tests of the ingress have it."""

from tests.ingress.conftest import module_service, service

__all__ = ["module_service", "service"]
