"""What rounding does to losses, on a model whose losses are its embeddings."""

from __future__ import annotations

import math

import pytest
import torch

from ccit.models.rounding import alike, rounding_of


class Table(torch.nn.Module):
    def __init__(self, dtype: torch.dtype, words: int = 1000) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(words, 1, dtype=dtype)
        torch.nn.init.ones_(self.embedding.weight)

    def get_input_embeddings(self) -> torch.nn.Module:
        return self.embedding

    @torch.no_grad()
    def losses(self) -> torch.Tensor:
        embedded: torch.Tensor = self.embedding(torch.arange(len(self.embedding.weight)))
        return 3 * embedded[:, 0].double()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_each_number_moves_by_a_unit_in_the_last_place(dtype: torch.dtype) -> None:
    table = Table(dtype)
    before = table.losses()
    up = torch.finfo(dtype).eps  # from 1 the next number above is as far as two below it
    assert rounding_of(table, table.losses) == pytest.approx(3 * up, rel=1e-6)
    assert torch.equal(table.losses(), before)


def test_no_randomness_but_its_own() -> None:
    table = Table(torch.float32)
    state = torch.get_rng_state()
    assert rounding_of(table, table.losses) == rounding_of(table, table.losses)
    assert torch.equal(torch.get_rng_state(), state)


def test_numbers_that_are_none_are_for_others_to_refuse() -> None:
    good, none = torch.tensor([1.0, 2.0]), torch.tensor([1.0, math.nan])
    assert alike(none, good, rounding=1e-3)
    assert not alike(good, none, rounding=1e-3)
