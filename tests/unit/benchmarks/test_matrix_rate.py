from __future__ import annotations

import itertools

import pytest
import torch

from benchmarks import matrix_rate as module
from benchmarks.matrix_rate import matrix_rate


def test_the_best_of_all_times_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SIDE", 4)
    times = itertools.chain.from_iterable((n, n + took) for n, took in enumerate([0.9, 0.5, 0.75] + [0.9] * 5))
    assert matrix_rate(torch.float32, clock=lambda: next(times)) == 2 * 4**3 / 0.5
