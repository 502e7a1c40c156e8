"""Which layers of a model a LoRA adapter changes: the names that the configuration gives, held against the model.

A name stands for every layer whose path ends with it, in each block. PEFT takes what matches and is silent about the
rest: a misspelt name is a layer less, and a list for one family adapts two of seven kinds in another.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import torch
from transformers.pytorch_utils import Conv1D

from ccit.errors import ConfigError

ALL_LINEAR = "all-linear"
_SHOWN = 8  # names of a model's layers in an error


def target_names(model: Any, asked: Sequence[str] | str, name: str) -> tuple[str, ...]:
    """The layer names to adapt, sorted.

    Parameters
    ----------
    model : torch.nn.Module
        A transformers causal language model.
    asked : Sequence[str] | str
        Names of layers, or `all-linear`: every linear layer of the model's blocks, by the model's own names.
    name : str
        What the model is called, for the error.

    Raises
    ------
    ConfigError
        A name matches no layer, or one that is no linear layer of a block.

    Example
    -------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ccit.models.causal import load_causal
    >>> from ccit.testing import random_model
    >>> base = load_causal(str(random_model(Path(tempfile.mkdtemp()))), device="cpu")
    >>> target_names(base.model, "all-linear", "tiny")
    ('down_proj', 'gate_proj', 'k_proj', 'o_proj', 'q_proj', 'up_proj', 'v_proj')
    """
    linear = set(linear_layers(model))
    known = sorted({path.rpartition(".")[2] for path in linear})
    if asked == ALL_LINEAR:
        return tuple(known)
    for target in asked:
        wrong = _wrong(model, target, linear)
        if wrong:
            near = difflib.get_close_matches(target, known, 1)
            raise ConfigError(
                f"training.target_modules names {target!r}, but {wrong} in {name}"
                + (f"; did you mean {near[0]!r}?" if near else "")
                + f" Its linear layers are {', '.join(known[:_SHOWN])}; {ALL_LINEAR!r} takes them all"
            )
    return tuple(sorted(set(asked)))


def _wrong(model: Any, target: str, linear: set[str]) -> str:
    matched = {path for path, _ in model.named_modules() if path == target or path.endswith(f".{target}")}
    if not matched:
        return "no layer has that name"
    if model.get_input_embeddings() in (model.get_submodule(path) for path in matched):
        return "that is the table of embeddings, which is not adapted,"
    if model.get_output_embeddings() in (model.get_submodule(path) for path in matched):
        return "that is the head over the vocabulary, which is not adapted,"
    return "" if matched <= linear else "that is no linear layer"


def linear_layers(model: Any) -> dict[str, Any]:
    """The linear layers by their paths, the head aside."""
    head = model.get_output_embeddings()
    return {
        path: module
        for path, module in model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D) and module is not head
    }
