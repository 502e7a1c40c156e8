"""Sources: each picks the samples of a named part of a round."""
