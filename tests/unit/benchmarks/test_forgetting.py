"""The table of the ways to keep the old, from lines made by hand; the runs themselves are measured, not asserted."""

from __future__ import annotations

import math
from typing import Any

import pytest

from benchmarks.forgetting import ROUND, WAVES, arms, figures, interval, matrix_table, table, wave_samples
from ccit.plugins import plugins


def line(method: str, seed: int, *rounds: list[float]) -> dict[str, Any]:
    return {
        "method": method,
        "seed": seed,
        "matrix": list(rounds),
        "general": 0.9,
        "base_general": 0.97,
        "tokens": 2000,
        "flops": 1e12,
        "seconds": 20.0,
    }


def test_the_figures_by_hand() -> None:
    """Wave 1 was at 0.8, then at 0.9, in the end at 0.5; wave 2 fell from 0.6 to 0.4."""
    found = figures(line("a", 0, [0.8], [0.9, 0.6], [0.5, 0.4, 1.0]))
    assert found["average"] == pytest.approx(100 * (0.5 + 0.4 + 1.0) / 3)
    assert found["backward"] == pytest.approx(100 * (-0.3 - 0.2) / 2)
    assert found["forgetting"] == pytest.approx(100 * (0.4 + 0.2) / 2)
    assert found["worst"] == pytest.approx(40.0)
    assert found["learned"] == pytest.approx(80.0)


def test_the_interval_is_students() -> None:
    assert interval([1.0, 2.0, 3.0]) == pytest.approx(4.302653 / math.sqrt(3))
    assert math.isnan(interval([1.0]))


def test_the_table_has_the_best_first_and_says_how_many_seeds() -> None:
    rows = table([line("a", 0, [0.8], [0.4, 1.0]), line("b", 0, [0.8], [0.8, 1.0]), line("b", 1, [0.8], [0.6, 1.0])])
    assert rows[2].startswith("| b | 2 | 85.0 | -10.0 | 10.0 \u00b1 127.1 |")
    assert rows[3].startswith("| a | 1 | 70.0 | -40.0 | 40.0 |")
    assert "base 97.0" in rows[0]


def test_the_matrix_is_a_mean_over_the_seeds() -> None:
    rounds = [[0.5] * (n + 1) for n in range(WAVES)]
    rows = matrix_table("a", [line("a", 0, *rounds), line("a", 1, *[[1.0] * len(row) for row in rounds])])
    assert rows[2].startswith("| version 1 | 75 |  |")
    assert matrix_table("b", []) == []


def test_whatever_is_registered_is_an_arm_and_a_round_has_its_size() -> None:
    assert {*plugins("method"), *plugins("source")} < set(arms())
    assert all(len({sample.sample_id for sample in wave_samples(wave, seed=0)}) == ROUND for wave in range(WAVES))
