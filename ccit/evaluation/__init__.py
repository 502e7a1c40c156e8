"""Judging a candidate: suites, metrics and the gate (pure); overlap with a reference text; the runner (torch)."""
