"""The account of a stream made by hand: every cost on both sides, and nothing on one alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ccit.demo.account import CostAccount
from ccit.records import Spend

# 100 contents came, some of them twice; 60 were let in, 40 of them trained on. To train on one costs 10.
ACCOUNT = CostAccount(
    scoring=Spend(1000, 50.0), training=Spend(4000, 400.0), evaluation=Spend(500, 30.0),
    distinct=100, accepted=60, used=40,
)  # fmt: skip


def test_both_sides_by_hand() -> None:
    assert ACCOUNT.waiting_flops == 200.0  # 20 that wait, at 10 each
    assert ACCOUNT.flops == 50.0 + 400.0 + 200.0 + 30.0
    assert ACCOUNT.accept_all_flops == 100 * 10.0 + 30.0
    assert ACCOUNT.saving == pytest.approx(1 - 680 / 1030)


def test_a_sample_that_waits_costs_the_selection_what_it_will_cost() -> None:
    """However few rounds the stream was long enough for: the saving is that of the selection, not of a short run."""
    longer = replace(ACCOUNT, training=Spend(6000, 600.0), used=60)
    assert longer.waiting_flops == 0.0
    assert longer.saving == pytest.approx(ACCOUNT.saving)


def test_exact_copies_are_trained_on_by_neither() -> None:
    assert replace(ACCOUNT, distinct=90).accept_all_flops == ACCOUNT.accept_all_flops - 10 * 10.0


def test_accepting_all_saves_nothing() -> None:
    everything = replace(ACCOUNT, scoring=Spend(), accepted=100, used=40)
    assert everything.saving == pytest.approx(0.0)


def test_without_a_round_nothing_is_claimed() -> None:
    assert replace(ACCOUNT, training=Spend(), used=0).saving is None


def test_the_figures_add_up() -> None:
    figures = ACCOUNT.figures()
    parts = ("scoring_flops", "training_flops", "waiting_flops", "evaluation_flops")
    assert figures["flops"] == sum(figures[part] for part in parts)
    assert figures["saving"] == pytest.approx(1 - figures["flops"] / figures["accept_all_flops"])
