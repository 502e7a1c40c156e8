from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch

from ccit.models.causal import CausalModel, frozen, load_causal, with_adapter
from ccit.models.encoding import Encoded
from ccit.models.likelihood import response_losses
from ccit.models.merged import merge_adapters
from ccit.testing import random_model
from tests.unit.models.adapters import random_adapter

ROWS = [Encoded((5, 6, 7, 8, 9), 2), Encoded(tuple(range(30)), 10)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return load_causal(str(random_model(tmp_path_factory.mktemp("model"))), device="cpu", dtype="float32")


def merged(view: CausalModel) -> CausalModel:
    shared: dict[int, Any] = {id(tensor): tensor for tensor in view.model.parameters()}
    own = replace(view, model=copy.deepcopy(view.model, shared))
    assert merge_adapters(own.model) > 0
    return own


@torch.inference_mode()
def test_a_merged_adapter_says_what_it_said_beside_the_weights(base: CausalModel) -> None:
    before = response_losses(base, ROWS)
    view = with_adapter(base, random_adapter(base, 4, "all-linear", seed=1))
    expected = response_losses(view, ROWS)
    assert not torch.allclose(before, expected, atol=1e-2)
    torch.testing.assert_close(response_losses(merged(view), ROWS), expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(response_losses(base, ROWS), before)
    assert torch.equal(response_losses(view, ROWS), expected)


@torch.inference_mode()
def test_an_adapter_that_is_switched_off_stays_off(base: CausalModel) -> None:
    off = frozen(with_adapter(base, random_adapter(base, 4, ["q_proj"], seed=1)), adapted=False)
    torch.testing.assert_close(response_losses(merged(off), ROWS), response_losses(base, ROWS), rtol=1e-5, atol=1e-5)
