"""The figures of continual learning against numbers found by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ccit.experiment.metrics import (
    Interval,
    average_accuracy,
    backward_transfer,
    by_arm,
    forgetting,
    forward_transfer,
    mean_matrix,
    measures,
    over_seeds,
    paired,
    student,
)

# Three periods. Period 1 was best at the end of the second, period 2 at its own.
MATRIX = [
    [0.10, 0.20, 0.30],
    [0.80, 0.25, 0.30],
    [0.90, 0.60, 0.50],
    [0.50, 0.40, 1.00],
]


def line(
    seed: int = 0, policy: str = "lot", matrix: list[list[float]] | None = None, failed: str = ""
) -> dict[str, Any]:
    spend = {name: {"tokens": 100, "flops": 1e9} for name in ("scoring", "training", "mixing", "evaluation")}
    return {
        "cell": f"{policy}{seed}",
        "at": {"policy": policy, "seed": str(seed)},
        "code": "c",
        "failed": failed,
        "periods": ["wave-1", "wave-2", "wave-3"],
        "matrix": matrix or MATRIX,
        "general": [0.9, 0.8, 0.7, 0.85],
        "rounds": [],
        "records": {"in": 12, "decided": 10, "accepted": 6, "rejected": {}, "unreadable": 2, "kinds": {}},
        "untrained": {"area": 45, "left": 1, "curve": [[5, 3], [10, 6]]},
        "spend": spend,
    }


def test_average_accuracy_is_the_mean_of_the_last_row() -> None:
    assert average_accuracy(MATRIX) == pytest.approx((0.5 + 0.4 + 1.0) / 3)


def test_backward_transfer_is_the_end_against_each_periods_own_end() -> None:
    assert backward_transfer(MATRIX) == pytest.approx(((0.5 - 0.8) + (0.4 - 0.6)) / 2)


def test_forward_transfer_is_the_period_before_against_the_untrained_model() -> None:
    assert forward_transfer(MATRIX) == pytest.approx(((0.25 - 0.20) + (0.50 - 0.30)) / 2)


def test_forgetting_is_the_best_before_the_end_against_the_end() -> None:
    assert forgetting(MATRIX) == pytest.approx(((0.9 - 0.5) + (0.6 - 0.4)) / 2)


def test_a_late_gain_is_forgetting_below_zero() -> None:
    """Chaudhry et al. take the best of the rows *before* the last."""
    assert forgetting([[0.1, 0.1], [0.5, 0.1], [0.7, 0.9]]) == pytest.approx(-0.2)


def test_what_was_not_asked_counts_nowhere() -> None:
    assert average_accuracy([[None, 0.1], [None, 0.2], [None, 0.6]]) == pytest.approx(0.6)
    assert math.isnan(forgetting([[None, 0.1], [None, 0.2], [None, 0.6]]))


def test_one_period_has_nothing_to_transfer() -> None:
    assert math.isnan(backward_transfer([[0.1], [0.9]]))
    assert math.isnan(forward_transfer([[0.1], [0.9]]))


def test_the_interval_is_students() -> None:
    found = Interval.of([1.0, 2.0, 3.0, math.nan])
    assert found.mean == 2.0
    assert found.high - found.mean == found.half == pytest.approx(4.302653 / math.sqrt(3))
    assert math.isnan(Interval.of([1.0]).low)


@pytest.mark.parametrize(("degrees", "table"), [(1, 12.706), (10, 2.228), (11, 2.201), (30, 2.042), (120, 1.980)])
def test_the_quantile_is_that_of_the_tables(degrees: int, table: float) -> None:
    assert student(degrees) == pytest.approx(table, abs=1e-3)


def test_the_measures_of_a_line() -> None:
    found = measures(line())
    assert found["general_lost"] == pytest.approx(0.05)
    assert found["waiting"] == 4.5
    assert (found["tokens"], found["flops"]) == (100.0, 4e9)


def test_a_failed_cell_is_in_no_mean() -> None:
    arms = by_arm([line(0), line(1, failed="diverged"), line(0, "all")])
    assert {arm: len(own) for arm, own in arms.items()} == {("lot",): 1, ("all",): 1}


def test_arms_are_compared_seed_by_seed() -> None:
    better = [[value + 0.1 for value in row] for row in MATRIX]
    found = paired(
        [line(0, matrix=better), line(1, matrix=better), line(7)], [line(0, "all"), line(1, "all")], "average"
    )
    assert [found.mean, found.low, found.high] == pytest.approx([10.0] * 3)


def test_over_the_seeds_points_are_percent() -> None:
    found = over_seeds([line(0), line(1)])
    assert found["forgetting"].mean == pytest.approx(30.0)
    assert found["waiting"].mean == 4.5


def test_the_mean_matrix_leaves_out_what_was_not_asked() -> None:
    half: list[list[Any]] = [[None, 0.2, 0.3], *MATRIX[1:]]
    assert mean_matrix([line(0), line(1, matrix=half)])[0] == [
        pytest.approx(0.1),
        pytest.approx(0.2),
        pytest.approx(0.3),
    ]
