"""The formulas that are compared, and how; what comes out is measured, not asserted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.ifd_formulas import Losses, formulas, lines, losses_of
from ccit.models.causal import load_causal
from ccit.records import Sample
from ccit.testing import random_model


def changed(*nats: float) -> Losses:
    """Of a response whose tokens the prompt changes by so much."""
    direct = np.full(len(nats), 2.0)
    return direct + nats, direct


def test_t_shirt_counts_the_tokens_of_the_set_that_change_most() -> None:
    found = formulas([changed(-1.0, -0.1, 0.0, 0.1), changed(0.5, 0.4, 0.2, 0.3)])
    assert found["T-SHIRT, 50%"] == pytest.approx([np.exp(-1.0), np.exp(0.4)])
    assert found["T-SHIRT, 10%"] == pytest.approx([np.exp(-1.0), 1.0]), "one without any of them is unchanged"
    assert found["perplexities"] == pytest.approx([np.exp(-0.25), np.exp(0.35)])


def test_each_formula_is_compared_with_the_plain_one() -> None:
    right = [changed(-3.0, 0.1, 0.2, 0.0)] * 9
    wrong = [changed(-0.6, -0.7, -0.7, -0.8)] * 9
    cells = [line.split(" | ") for line in lines(formulas([*right, *wrong]), np.repeat([False, True], 9))]
    assert [own[2:5] for own in cells[:3:2]] == [
        ["`perplexities`", "0.000", ""],
        ["`weighted`", "1.000", "+1.000 (+1.000 to +1.000)"],
    ]


def test_what_the_window_does_not_hold_is_left_out(tmp_path: Path) -> None:
    samples = [Sample(f"s{n}", "r", "ward", "en", "Why?", "x" * n) for n in (3, 600, 5)]
    found = losses_of(load_causal(str(random_model(tmp_path)), device="cpu"), samples)
    assert [None if one is None else [len(own) for own in one] for one in found] == [[3, 3], None, [5, 5]]
