"""The table of the baselines from lines made by hand; the runs themselves are measured, not asserted."""

from __future__ import annotations

from typing import Any

from benchmarks.baselines import figures, rounds_of, settings_of, table


def judged(outcome: str, accuracy: float, incumbent: float, tokens: int = 1_000_000) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "training_tokens": tokens,
        "training_flops": 2e12,
        "evaluation_flops": 1e12,
        "accuracy": accuracy,
        "general_accuracy": 0.9,
        "incumbent_accuracy": incumbent,
        "incumbent_general_accuracy": 0.8,
    }


def line(arm: str, *rounds: dict[str, Any], seed: int = 0) -> dict[str, Any]:
    return {
        "seed": seed,
        "arm": arm,
        "accepted": ["a", "b"],
        "scoring_flops": 4e12,
        "rounds": rounds_of({"rounds": rounds}),
    }


def test_what_is_reported_is_the_active_version_and_not_the_last_candidate() -> None:
    run = line("accept_all", judged("promote", 0.6, 0.1), judged("hold", 0.2, 0.6))
    found = figures(run, tokens=2_000_000)
    assert (found["accuracy"], found["general"]) == (60.0, 80.0)
    assert (found["rounds"], found["promoted"], found["let_in"]) == (2, 1, 2)


def test_everything_that_was_spent_counts() -> None:
    found = figures(line("thresholds", judged("promote", 0.6, 0.1), judged("hold", 0.2, 0.6)), tokens=0)
    assert found["flops"] == 4 + 2 * (2 + 1)
    assert found["tokens"] == 2.0


def test_at_equal_tokens_the_version_is_taken_that_was_active_then() -> None:
    run = line("ungated", judged("promote", 0.3, 0.1), judged("promote", 0.4, 0.3), judged("promote", 0.5, 0.4))
    assert figures(run, tokens=1_900_000)["at_equal_tokens"] == 40.0


def test_the_ungated_arm_switches_every_criterion_off() -> None:
    settings = settings_of("ungated", 1.0)
    assert settings.pop("CCIT_SELECTION__POLICY__KIND") == "accept_all"
    assert set(settings.values()) <= {"false"}
    assert settings_of("random", 0.25)["CCIT_SELECTION__POLICY__SHARE"] == "0.25"


def test_the_table_has_a_row_for_each_arm_that_was_run() -> None:
    rows = table([line("thresholds", judged("promote", 0.6, 0.1), seed=n) for n in (0, 1)] + [line("ungated")])
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| thresholds", "| ungated"]
    assert "| 60.0 |" in rows[2]
    assert "none" in rows[3]  # no round
