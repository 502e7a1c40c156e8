"""Policies: each chooses among the samples that passed the checks."""
