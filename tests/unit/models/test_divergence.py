from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch

import ccit.models.likelihood
from ccit.models.divergence import divergences_at


@dataclass
class Plain:
    """A head whose states are the logits."""

    words: int = 2

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        return states


HEAD: Plain = Plain()


def divergence(taught: torch.Tensor, states: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
    return divergences_at(HEAD, taught, HEAD, states, temperature)  # type: ignore[arg-type]  # all that it asks of a Head


def test_two_words_by_hand() -> None:
    """Of (1/2, 1/2) and (3/4, 1/4): 1/2 log(2/3) + 1/2 log 2."""
    found = divergence(torch.zeros(1, 2), torch.tensor([[math.log(3.0), 0.0]]))
    assert float(found) == pytest.approx(0.5 * math.log(2 / 3) + 0.5 * math.log(2))


def test_temperature_softens_and_keeps_the_size_of_the_gradient() -> None:
    taught, states = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.5, 0.0]])
    soft = divergence(taught, states, temperature=4.0)
    assert float(soft) == pytest.approx(16 * float(divergence(taught / 4, states / 4)))


def test_gradients_flow_to_the_student_alone() -> None:
    taught, states = torch.zeros(1, 2, requires_grad=True), torch.ones(1, 2).cumsum(1).requires_grad_()
    divergence(taught, states).sum().backward()  # type: ignore[no-untyped-call]  # not annotated there
    assert taught.grad is None
    assert states.grad is not None
    torch.testing.assert_close(states.grad, torch.softmax(states.detach(), 1) - 0.5)


def test_in_parts_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    taught, states = torch.randn(7, 2, generator=generator), torch.randn(7, 2, generator=generator).requires_grad_()
    whole = divergence(taught, states)
    (gradient,) = torch.autograd.grad(whole.sum(), states)
    monkeypatch.setattr(ccit.models.likelihood, "_LOGIT_BYTES", 2 * 2 * 4 * 3)  # three positions of two times two words
    parted = divergence(taught, states)
    torch.testing.assert_close(parted, whole)
    torch.testing.assert_close(torch.autograd.grad(parted.sum(), states)[0], gradient)
