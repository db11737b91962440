"""Breaks the service on purpose and counts what becomes of its requests."""
