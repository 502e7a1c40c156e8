from __future__ import annotations

import pytest
import torch

from ccit.ports.training import MicroBatch
from ccit.training.methods.reweighting import Reweighting


class Given(Reweighting):
    """Weights that are the losses themselves."""

    def weights_of(self, batch: MicroBatch) -> torch.Tensor:
        weights: torch.Tensor = batch.losses
        return weights


def test_the_weighted_mean_however_the_step_is_divided_and_its_gradient() -> None:
    """Losses 1, 2, 3 weighted by themselves: 14 / 3; the weights have no gradient, so it is the weights over three."""
    losses = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    parts = [(losses[:1], 1 / 3), (losses[1:], 2 / 3)]
    whole = torch.stack([Given().loss(part.sum() / 3, MicroBatch([], part, share)) for part, share in parts]).sum()
    assert whole.item() == pytest.approx(14 / 3)
    (gradient,) = torch.autograd.grad(whole, losses)
    torch.testing.assert_close(gradient, torch.tensor([1.0, 2.0, 3.0]) / 3)


def test_a_subclass_says_what_counts() -> None:
    with pytest.raises(TypeError, match="weights_of"):
        Reweighting()  # type: ignore[abstract]  # that it cannot be made is what is tested
