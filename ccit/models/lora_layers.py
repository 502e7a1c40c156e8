"""LoRA layers that are trained, in fewer passes over memory than PEFT's own.

The same formula, `y = W x + s B A x` with `s = alpha / rank` (Hu et al. 2021, arXiv 2106.09685). PEFT casts `x` to
float32 for the adapter, scales an update as large as `y` and adds it; in bfloat16 on a CPU that took as long as the
products. Here the adapter's weights, which stay float32 for the optimiser, are cast to the type of `x`; the scale goes
to `A x`, which is rank numbers wide; and forward and backward add the narrow product to the wide one where it lies.

Shapes: T tokens, `in` and `out` features, r the rank.
"""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import torch
import torch.nn.functional as F
from peft.tuners.lora import Linear
from torch.autograd.function import once_differentiable


def lean_layers(model: Any, adapter: str) -> int:
    """Give the LoRA layers of a model that is trained their lean forward pass; returns how many.

    Layers over anything but a plain frozen linear layer, and layers with dropout, keep PEFT's.

    Parameters
    ----------
    adapter : str
        The name of the one adapter that is active.
    """
    found = [module for module in model.modules() if _is_plain(module, adapter)]
    for layer in found:
        layer.forward = partial(_forward, layer, adapter)
    return len(found)


def _is_plain(module: Any, adapter: str) -> bool:
    return (
        type(module) is Linear
        and type(module.base_layer) is torch.nn.Linear
        and not module.base_layer.weight.requires_grad
        and isinstance(module.lora_dropout[adapter], torch.nn.Identity)
        and adapter not in module.lora_variant
    )


def _forward(layer: Any, adapter: str, x: torch.Tensor) -> torch.Tensor:
    """Of (..., in) to (..., out)."""
    base = layer.base_layer
    if layer.disable_adapters:
        return cast(torch.Tensor, base(x))
    down, up = layer.lora_A[adapter].weight.to(x.dtype), layer.lora_B[adapter].weight.to(x.dtype)
    flat = x.reshape(-1, x.shape[-1])
    y = _Adapted.apply(flat, base.weight, base.bias, down, up, layer.scaling[adapter])
    return cast(torch.Tensor, y).view(*x.shape[:-1], -1)


class _Adapted(torch.autograd.Function):
    """`x` (T, in), `weight` (out, in), `bias` (out,) or None, `down` (r, in), `up` (out, r) to (T, out)."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        down: torch.Tensor,
        up: torch.Tensor,
        scale: float,
    ) -> torch.Tensor:
        narrow = F.linear(x, down).mul_(scale)
        ctx.save_for_backward(x, weight, narrow, down, up)
        ctx.scale = scale
        return F.linear(x, weight, bias).addmm_(narrow, up.t())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight, narrow, down, up = ctx.saved_tensors
        inner = (upstream @ up).mul_(ctx.scale)
        to_x = (upstream @ weight).addmm_(inner, down) if ctx.needs_input_grad[0] else None
        return to_x, None, None, inner.t() @ x, (narrow.t() @ upstream).t(), None
