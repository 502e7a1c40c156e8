"""Blocks that keep their input alone and compute what lies inside again when the backward pass comes to them.

Chen et al. 2016, arXiv 1604.06174: memory for one block's inner values at a time instead of all blocks', at the cost of
a second forward pass (6 N FLOPs a token instead of a LoRA round's 4 N). The numbers are the same: the same operations
run on the same inputs, and dropout draws the same.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from torch.utils.checkpoint import checkpoint

from ccit.errors import ConfigError
from ccit.models.causal import CausalModel


def blocks_of(model: Any) -> list[Any]:
    """The blocks of a transformers causal language model; none where it has no list of them."""
    return list(getattr(model.get_decoder(), "layers", ()))


def recompute_blocks(view: CausalModel) -> None:
    """Let each block of a view compute its inner values twice instead of keeping them.

    Raises
    ------
    ConfigError
        The model has no list of blocks.
    """
    blocks = blocks_of(view.model)
    if not blocks:
        raise ConfigError(
            f"training.gradient_checkpointing is on, but {view.name} has no list of blocks to apply it to; set it to "
            "false"
        )
    for block in blocks:
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)
