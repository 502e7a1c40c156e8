"""Metrics: each grades a free answer."""
