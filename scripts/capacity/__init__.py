"""Estimates the GPUs, replicas and nodes for a number of listeners, and what limits them first."""
