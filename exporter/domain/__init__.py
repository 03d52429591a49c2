"""Frozen values and arithmetic of a live algorithm: no IO, no JSON, no metric names."""
