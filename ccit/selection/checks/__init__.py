"""Checks: each scores a sample, and may refuse it by its own score."""
