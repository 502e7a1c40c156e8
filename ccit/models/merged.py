"""An adapter folded into the weights of a view: what is scored at length pays for no layer twice.

    W' = W + alpha / rank * B A        (Hu et al. 2021, arXiv 2106.09685, section 4.1)

The sum is rounded to the type of `W`, so in bfloat16 the numbers differ from the adapter's beside the weights by
rounding. The base keeps its weights: the adapted layers' are new tensors, for as long as the view is there.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from peft.tuners.lora import LoraLayer


@torch.no_grad()
def merge_adapters(model: Any) -> int:
    """Put plain layers with merged weights in the place of a module tree's LoRA layers; returns how many.

    Parameters
    ----------
    model : Any
        A tree of its own over shared tensors, for inference.

    Example
    -------
    >>> merge_adapters(torch.nn.Linear(2, 2))
    0
    """
    found = [(path, module) for path, module in model.named_modules() if isinstance(module, LoraLayer)]
    for path, module in found:
        parent, _, name = path.rpartition(".")
        setattr(model.get_submodule(parent), name, _plain(module))
    return len(found)


def _plain(layer: Any) -> torch.nn.Module:
    held: dict[int, Any] = {id(tensor): tensor for tensor in layer.base_layer.parameters()}
    plain: torch.nn.Module = copy.deepcopy(layer.base_layer, held)
    if layer.disable_adapters:
        return plain
    weight = layer.base_layer.weight.float()
    for adapter in layer.active_adapters:
        weight = weight + layer.get_delta_weight(adapter).float()
    plain.weight = torch.nn.Parameter(weight.to(layer.base_layer.weight.dtype), requires_grad=False)
    return plain
