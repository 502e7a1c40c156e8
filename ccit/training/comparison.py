"""Two adapters compared: the same bytes, or else how far their numbers lie apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ccit.errors import ModelUnusable
from ccit.models.adapter_format import WEIGHTS_FILE, read_adapter


@dataclass(frozen=True, slots=True)
class TensorDifference:
    """One weight that differs.

    Parameters
    ----------
    largest : float
        Largest absolute difference of two numbers at the same place.
    scale : float
        Largest absolute number in the first adapter's weight, to read it by.
    """

    name: str
    largest: float
    scale: float


def weights_apart(first: Mapping[str, bytes], second: Mapping[str, bytes]) -> tuple[TensorDifference, ...]:
    """The weights that are not the same number for number, in the order of their names.

    Parameters
    ----------
    first, second : Mapping[str, bytes]
        Files of two adapters, digests checked.

    Raises
    ------
    ModelUnusable
        One is no adapter, or they do not have the same weights of the same shapes.

    Example
    -------
    >>> import torch
    >>> from ccit.models.adapter_format import LoraShape, write_adapter
    >>> one, other = (
    ...     write_adapter(LoraShape(1, 2, ("q",)), {"q.lora_A.weight": torch.tensor([[2.0, number]])}, "tiny")
    ...     for number in (1.0, 1.5)
    ... )
    >>> weights_apart(one, other)
    (TensorDifference(name='q.lora_A.weight', largest=0.5, scale=2.0),)
    """
    if first.get(WEIGHTS_FILE) == second.get(WEIGHTS_FILE):
        return ()
    ours, theirs = read_adapter(first)[1], read_adapter(second)[1]
    if {name: t.shape for name, t in ours.items()} != {name: t.shape for name, t in theirs.items()}:
        raise ModelUnusable("the two adapters do not have the same weights of the same shapes")
    return tuple(
        TensorDifference(name, float((ours[name] - theirs[name]).abs().max()), float(ours[name].abs().max()))
        for name in sorted(ours)
        if not bool((ours[name] == theirs[name]).all())
    )
