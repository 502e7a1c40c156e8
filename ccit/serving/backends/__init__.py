"""Backends: each runs the versions that are served."""
