"""Planners: each chooses what of the pool a round takes."""
