"""Gradients of the likelihood beside those of the training loop: what is in `.grad` stays as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from ccit.models.causal import CausalModel
from ccit.models.encoding import Encoded
from ccit.models.likelihood import response_losses


def gradients_of(
    causal: CausalModel, rows: Sequence[Encoded], weights: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The gradient of the summed nats of all response tokens, for each of the weights.

    One row at a time: nothing is padded, and whatever the rows' number and lengths, one fits the memory if any does.
    """
    sums = {name: torch.zeros_like(weight, requires_grad=False) for name, weight in weights.items()}
    for row in rows:
        with torch.enable_grad():
            found = torch.autograd.grad(response_losses(causal, [row]).sum(), list(weights.values()))
        for total, gradient in zip(sums.values(), found, strict=True):
            total.add_(gradient)
    return sums


def squared_gradients(
    causal: CausalModel, rows: Sequence[Encoded], weights: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The diagonal of the empirical Fisher information, per response token.

        F = 1 / (response tokens of all rows) * sum over rows of (gradient of the row's summed nats)^2

    One row at a time, without dropout.
    """
    training = causal.model.training
    causal.model.eval()
    sums = {name: torch.zeros_like(weight, requires_grad=False) for name, weight in weights.items()}
    for row in rows:
        for name, gradient in gradients_of(causal, [row], weights).items():
            sums[name].add_(gradient.square())
    causal.model.train(training)
    tokens = max(1, sum(row.response_tokens for row in rows))
    return {name: total / tokens for name, total in sums.items()}
