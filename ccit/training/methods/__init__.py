"""Methods: each changes how a round is trained; applied in order."""
