"""Cross-entropy of tokens under a frozen head, with the gradient of the states made on the way.

The gradient of one token's loss needs nothing but its own logits: `(softmax(logits) - onehot) W`. So it is made in the
forward pass, part by part, and the logits are let go at once (as in Liger Kernel, Hsu et al. 2024, arXiv 2410.10989):
two products with the head instead of three, and no more memory than one part of the logits. On a GPU the softmax is
two kernels (`ccit/models/word_kernels.py`) wherever they can be built.

Shapes: N tokens, D hidden size, V words.
"""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch.autograd.function import once_differentiable

_CACHE_BYTES = 2**21  # of float32 numbers in one softmax on a CPU: a core's cache


def token_losses(states: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, size: int) -> torch.Tensor:
    """Nats of each target, (N,) float32.

    Parameters
    ----------
    states : torch.Tensor
        (N, D); gradients flow here.
    weight : torch.Tensor
        Of the head (V, D); frozen.
    targets : torch.Tensor
        (N,) word numbers.
    size : int
        Tokens whose logits are alive at once.

    Example
    -------
    >>> states, weight = torch.zeros(3, 2), torch.ones(4, 2)
    >>> [round(float(nats), 3) for nats in token_losses(states, weight, torch.tensor([0, 1, 2]), size=2)]
    [1.386, 1.386, 1.386]
    """
    return cast(torch.Tensor, _TokenLosses.apply(states, weight, targets, size))


class _TokenLosses(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, size: int) -> torch.Tensor:
        wanted = ctx.needs_input_grad[0]
        losses, gradients = [], []
        for part, own in zip(torch.split(states, size), torch.split(targets, size), strict=True):
            logits = F.linear(part, weight)
            if _has_kernels(logits.device):
                losses.append(_by_kernels(logits, own, wanted))
                gradients += [logits @ weight] if wanted else []
                continue
            few = max(1, _CACHE_BYTES // (4 * logits.shape[1])) if logits.device.type == "cpu" else len(own)
            for rows, words in zip(torch.split(logits, few), torch.split(own[:, None], few), strict=True):
                nats = F.log_softmax(rows, -1, dtype=torch.float32)
                losses.append(nats.gather(1, words).neg_().squeeze(1))
                if wanted:
                    shares = nats.exp_()
                    shares.scatter_add_(1, words, shares.new_full((len(words), 1), -1.0))
                    rows.copy_(shares)
            if wanted:
                gradients.append(logits @ weight)
        ctx.save_for_backward(*([torch.cat(gradients)] if wanted else []))
        return torch.cat(losses)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        (gradients,) = ctx.saved_tensors
        return gradients * upstream[:, None].to(gradients.dtype), None, None, None


def _by_kernels(logits: torch.Tensor, targets: torch.Tensor, gradients: bool) -> torch.Tensor:
    from ccit.models.word_kernels import nats_of

    return nats_of(logits, targets.contiguous(), gradients=gradients)


@cache
def _has_kernels(device: torch.device) -> bool:
    if device.type != "cuda":
        return False
    try:
        from ccit.models.word_kernels import usable
    except ImportError:  # a torch without Triton
        return False
    return usable(device)
