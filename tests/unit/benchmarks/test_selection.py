"""Shares and tables of the selection bench, from lines made by hand; the runs themselves are measured, not asserted."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.selection import ARMS, accuracy_table, against, chosen_table, kinds_of, policy_table
from ccit.config import Config
from ccit.simulation.stream import hospital_stream


def line(arm: str, seed: int, accuracy: float) -> dict[str, Any]:
    return {
        "seed": seed,
        "arm": arm,
        "kinds": {"clean": [20, 15], "wrong_answer": [10, 1]},
        "characters": 200,
        "all_characters": 1000,
        "scoring_flops": 1e12,
        "rounds": [{"tokens": 500_000, "flops": 2e12, "accuracy": accuracy, "general": 0.9}],
    }


@pytest.mark.parametrize("arm", ARMS)
def test_the_table_of_an_arm_is_a_configuration(arm: str) -> None:
    policy = Config.model_validate({"selection": {"policy": policy_table(arm, 0.1, 0.4)}}).selection.policy
    assert policy.model_dump()["kind"] == ARMS[arm]["kind"]
    if "share" in type(policy).model_fields:
        assert policy.model_dump()["share"] == pytest.approx(0.1 if arm == "random" else 0.25)


def test_what_was_let_in_is_told_by_kind() -> None:
    stream = list(hospital_stream(60, seed=0))
    sound = [m.record_id for m in stream if m.kind == "clean" and m.record_id is not None]
    assert kinds_of(stream, set(sound[:3]))["clean"] == [len(sound), 3]
    rows = chosen_table([line("filter_lot", 0, 0.8), line("filter_lot", 1, 0.9)])
    assert rows[-1] == "| filter_lot | 20.0 | 75.0 | 10.0 |"


def test_an_arm_is_compared_with_the_lot_on_its_own_streams() -> None:
    rows = accuracy_table(
        [line("random", n, 0.5 + 0.01 * n) for n in (0, 1, 2)] + [line("oasis", n, 0.6 + 0.01 * n) for n in (0, 1, 2)]
    )
    assert rows[-1].endswith("| +10.0 (+10.0 to +10.0) |")
    assert "| 0.50 | 3.0 |" in rows[-1]


def test_one_seed_has_no_interval() -> None:
    assert against([0.6], [0.5]) == "+10.0"
    assert against([], []) == "none"
