"""Batchers: each puts samples into rows of a micro-batch."""
