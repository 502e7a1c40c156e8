"""Experiments: a grid of settings over streams of which the truth is known, one loop in this process for each cell."""
