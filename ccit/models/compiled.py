"""The blocks of a model compiled: fewer kernels, and fewer passes over memory, between its matrix products.

All blocks of a model, and of every later view on one of the same kind, share what was compiled for the first, whatever
the number of tokens. It is for processes that last: compiling took about 13 s on an H200.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from ccit.errors import ConfigError

logger = logging.getLogger("ccit.models")

# What torch.compile raises where it cannot do its work: Dynamo, Inductor and Triton have no error in common, and a
# missing compiler or header shows as whatever first trips over it. ConfigError is the caller's: other numbers.
_REFUSALS = (ConfigError, RuntimeError, ImportError, OSError, AttributeError, TypeError, ValueError)


@contextmanager
def compiled_blocks(model: Any) -> Iterator[None]:
    """Compile the blocks of a module tree, and leave them so if what the caller tries with them does not fail.

    Nothing is compiled where bits are to be repeated: which variant of a kernel is taken is decided by timing it.

    Parameters
    ----------
    model : Any
        A transformers causal language model; one without a list of layers stays as it is.

    Example
    -------
    >>> with compiled_blocks(torch.nn.Identity()):
    ...     pass
    """
    decoder = model.get_decoder() if hasattr(model, "get_decoder") else model
    blocks = [] if torch.are_deterministic_algorithms_enabled() else list(getattr(decoder, "layers", ()))
    for block in blocks:
        block.forward = torch.compile(block.forward, dynamic=True)
    try:
        yield
    except _REFUSALS as error:
        logger.warning("the model's blocks are not compiled: %s", str(error).partition("\n")[0])
        for block in blocks:
            del block.forward  # the class's own again
