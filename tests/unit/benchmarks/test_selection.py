"""The plan and the tables of the selection bench, from lines made by hand; the runs are measured, not asserted."""

from __future__ import annotations

from typing import Any

from benchmarks.selection import EVERYTHING, PLAN, accuracy_table, chosen_table, lot_of
from ccit.experiment.plan import read_plan


def line(arm: str, seed: int, accuracy: float) -> dict[str, Any]:
    parts = ("scoring", "training", "mixing", "evaluation")
    return {
        "at": {"policy": arm, "seed": str(seed)},
        "failed": "",
        "matrix": [[0.1, 0.1], [accuracy, 0.1], [accuracy, accuracy]],
        "general": [0.9, 0.9, 0.8],
        "records": {"decided": 30, "accepted": 16, "kinds": {"clean": [20, 15], "wrong_answer": [10, 1]}},
        "untrained": {"area": 30},
        "spend": {part: {"tokens": 5000, "flops": 1e12} for part in parts},
    }


def test_the_plan_is_an_experiment_and_every_budget_has_its_lot() -> None:
    arms = {cell.point["policy"] for cell in read_plan(PLAN)}
    assert {EVERYTHING, "random_10", "random_33"} <= arms
    assert {lot_of(arm) for arm in arms} <= arms


def test_what_was_let_in_is_told_by_kind() -> None:
    rows = chosen_table([line("filter_lot_33", 0, 0.8), line("filter_lot_33", 1, 0.9)])
    assert rows[-1] == "| filter_lot_33 | 53 | 75 |  |  |  | 10 |  |  |  |"


def test_an_arm_is_compared_with_the_lot_on_its_own_streams() -> None:
    lot = [line("random_33", n, 0.5 + 0.01 * n) for n in (0, 1, 2)]
    rows = accuracy_table(lot + [line("oasis_33", n, 0.6 + 0.01 * n) for n in (0, 1, 2)])
    assert rows[-1].startswith("| oasis_33 | 3 | 5 ± 0 | 4.00 ± 0.00 | 61.0 ± 2.5 | 0.0 ± 0.0 | 80.0 ± 0.0 |")
    assert rows[-1].endswith("| +10.0 (+10.0 to +10.0) |")
    assert rows[-2].endswith("|  |")


def test_one_seed_has_no_interval() -> None:
    rows = accuracy_table([line("random_10", 0, 0.5), line("length_10", 0, 0.6)])
    assert rows[-1].endswith("| +10.0 |")
