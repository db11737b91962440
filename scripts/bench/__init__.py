"""Benchmarks of the engine on a bare machine, and of the service over HTTP. See README.md."""
