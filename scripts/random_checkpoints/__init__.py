"""Writes checkpoints with random weights, in the files and classes of the real ones, for tests and benchmarks."""
