"""Blocks that keep their input alone and compute what lies inside again when the backward pass comes to them.

Chen et al. 2016, arXiv 1604.06174: memory for one block's inner values at a time instead of all blocks', at the cost of
a second forward pass (6 N FLOPs a token instead of a LoRA round's 4 N). The numbers are the same: the same operations
run on the same inputs, and dropout draws the same.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from ccit.errors import ConfigError
from ccit.models.causal import CausalModel


def blocks_of(model: Any) -> list[Any]:
    """The blocks of a transformers causal language model; none where it has no list of them."""
    return list(getattr(model.get_decoder(), "layers", ()))


def recomputable(view: CausalModel) -> list[Any]:
    """The blocks whose inner values can be computed again. Raises `ConfigError` where the model has no list of them."""
    blocks = blocks_of(view.model)
    if not blocks:
        raise ConfigError(
            f"training.gradient_checkpointing is on, but {view.name} has no list of blocks to apply it to; set it to "
            "false"
        )
    return blocks


def recompute_blocks(view: CausalModel) -> None:
    """Let each block of a view compute its inner values twice instead of keeping them, where gradients are taken.

    Raises
    ------
    ConfigError
        The model has no list of blocks.
    """
    for block in recomputable(view):
        block.forward = partial(_checkpointed, block.forward)


def _checkpointed(forward: Callable[..., Any], *inputs: Any, **named: Any) -> Any:
    """Without gradients as it was: `checkpoint` reads the random state even then, which no graph capture allows."""
    if not torch.is_grad_enabled():
        return forward(*inputs, **named)
    return checkpoint(forward, *inputs, use_reentrant=False, **named)
