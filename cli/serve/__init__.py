"""Runs the service on this machine."""
