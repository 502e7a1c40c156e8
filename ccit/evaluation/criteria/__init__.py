"""Criteria of the gate: each finds for or against a candidate."""
