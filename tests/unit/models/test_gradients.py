from __future__ import annotations

import pytest
import torch

from ccit.models.causal import CausalModel, load_causal, trainable
from ccit.models.encoding import Encoded
from ccit.models.gradients import gradients_of, squared_gradients
from ccit.models.likelihood import response_losses
from ccit.testing import random_model

ROWS = [Encoded((5, 6, 7, 8), 1), Encoded((9, 10), 1)]


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    folder = random_model(tmp_path_factory.mktemp("model"), hidden=16, layers=1)
    return trainable(load_causal(str(folder), device="cpu", threads=1), 2, 4, 0.5, "all-linear", seed=0)


def weights_of(view: CausalModel) -> dict[str, torch.Tensor]:
    return {name: weight for name, weight in view.model.named_parameters() if weight.requires_grad}


def test_the_gradient_is_that_of_the_sum_and_the_loops_own_is_left_alone(view: CausalModel) -> None:
    weights = weights_of(view)
    view.model.eval()
    found = gradients_of(view, ROWS, weights)
    assert all(weight.grad is None for weight in weights.values())
    response_losses(view, ROWS).sum().backward()  # type: ignore[no-untyped-call]  # not annotated there
    for name, weight in weights.items():
        assert weight.grad is not None
        torch.testing.assert_close(found[name], weight.grad)
        weight.grad = None


def test_no_row_is_padded_to_another(view: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []

    def counted(causal: CausalModel, rows: list[Encoded]) -> torch.Tensor:
        batches.append(len(rows))
        return response_losses(causal, rows)

    monkeypatch.setattr("ccit.models.gradients.response_losses", counted)
    gradients_of(view, ROWS, weights_of(view))
    assert batches == [1, 1]


def test_the_squares_are_of_each_row_and_per_token_without_dropout(view: CausalModel) -> None:
    weights = weights_of(view)
    view.model.train()
    found = squared_gradients(view, ROWS, weights)
    assert view.model.training
    view.model.eval()
    single = [gradients_of(view, [row], weights) for row in ROWS]
    for name in weights:  # three and one response tokens
        torch.testing.assert_close(found[name], (single[0][name] ** 2 + single[1][name] ** 2) / 4)
