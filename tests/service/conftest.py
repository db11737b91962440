"""The service on the real tiny models, as the tests of the ingress have it."""

from tests.ingress.conftest import clip, module_service, service

__all__ = ["clip", "module_service", "service"]
