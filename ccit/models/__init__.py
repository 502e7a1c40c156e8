"""Models: causal language models, embedders, and the tiny pair made here. Nothing heavy is imported at this level."""
