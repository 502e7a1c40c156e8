"""Scoring: length, novelty, diversity and IFD of a Sample. Nothing heavy is imported at this level."""
