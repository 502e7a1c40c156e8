from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from ccit.models.token_losses import token_losses


def inputs(dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(7, 6, generator=generator).to(dtype).requires_grad_()
    return states, torch.randn(11, 6, generator=generator).to(dtype), torch.tensor([0, 10, 3, 3, 5, 1, 9])


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_losses_and_gradients_are_those_of_cross_entropy(size: int) -> None:
    states, weight, targets = inputs()
    upstream = torch.linspace(-1, 2, 7)
    wanted = F.cross_entropy(states @ weight.t(), targets, reduction="none")
    (gradient,) = torch.autograd.grad(wanted, states, upstream)
    found = token_losses(states, weight, targets, size)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(torch.autograd.grad(found, states, upstream)[0], gradient, rtol=1e-5, atol=1e-6)


def test_in_bfloat16_the_softmax_is_still_taken_in_float32() -> None:
    states, weight, targets = inputs(torch.bfloat16)
    found = token_losses(states, weight, targets, 4)
    wanted = F.cross_entropy((states @ weight.t()).float(), targets, reduction="none")
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-6)
    (gradient,) = torch.autograd.grad(found.sum(), states)
    assert gradient.dtype == torch.bfloat16


def test_without_gradients_none_are_made() -> None:
    states, weight, targets = inputs()
    with torch.no_grad():
        assert not token_losses(states, weight, targets, 4).requires_grad
