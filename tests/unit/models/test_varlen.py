"""The kernel itself needs a GPU: `python -m benchmarks.gpu` compares packed rows with rows apart there."""

from __future__ import annotations

import pytest
import torch

from ccit.models import varlen


def test_no_other_numbers_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(varlen, "_has_it", lambda _: True)
    assert varlen.takes(torch.device("cuda"), torch.bfloat16)
    assert not varlen.takes(torch.device("cuda"), torch.float32)
    assert not varlen.takes(torch.device("cpu"), torch.bfloat16)


@pytest.mark.parametrize(("window", "reach"), [(None, (-1, 0)), (1, (0, 0)), (8, (7, 0))])
def test_rows_are_causal_and_a_window_counts_its_own_token(
    monkeypatch: pytest.MonkeyPatch, window: int | None, reach: tuple[int, int]
) -> None:
    asked = {}

    def record(query: torch.Tensor, *_: object, **options: object) -> torch.Tensor:
        asked.update(options)
        return query

    monkeypatch.setattr(varlen, "varlen_attn", record)
    query, shared, edges = torch.zeros(4, 6, 8), torch.zeros(4, 2, 8), torch.tensor([0, 4], dtype=torch.int32)
    varlen.varlen(query, shared, shared, edges, 4, 0.5, window)
    assert asked["window_size"] == reach
    assert asked["scale"] == 0.5
    assert asked.get("enable_gqa", True)
