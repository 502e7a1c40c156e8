import math
from typing import Any

from ccit.records import Estimate
from ccit.report.facts import finite, read_summary, sound
from ccit.report.header import tiles


def test_every_field_of_a_full_summary_is_read(told: dict[str, Any]) -> None:
    facts = read_summary(told)
    assert (facts.seed, facts.seconds, facts.held, facts.rounds) == ("7", 150.0, 1.0, 4.0)
    assert [v.number for v in facts.versions] == [0, 1, 2, 3]
    assert facts.versions[2].parent == 1
    assert facts.versions[1].accuracy_by_group["wave-1"] == 0.86
    assert (facts.rollback_from, facts.rollback_to, facts.rollback_seconds) == (3.0, 2.0, 0.62)
    assert facts.truth["garbage"][1] == 0.0
    assert facts.compute.flops == 3.1e12


def test_what_is_missing_is_none_and_not_zero() -> None:
    facts = read_summary({})
    assert facts.records_in is None
    assert facts.failed is None
    assert facts.compute.saving is None
    assert facts.versions == ()


def test_rounds_and_held_may_be_lists() -> None:
    facts = read_summary({"rounds": [{}, {}], "held": []})
    assert (facts.rounds, facts.held) == (2.0, 0.0)


def test_a_verdict_may_be_a_word_or_a_mapping() -> None:
    facts = read_summary(
        {"versions": [{"number": 1, "verdict": {"outcome": "promote"}}, {"number": 2, "verdict": "hold"}]}
    )
    assert [v.verdict for v in facts.versions] == ["promote", "hold"]


def test_only_finite_numbers_are_numbers() -> None:
    assert [finite(v) for v in (1, 1.5, True, "1", None, math.nan, math.inf)] == [1.0, 1.5, *[None] * 5]


def test_an_estimate_is_sound_when_all_of_it_is_finite() -> None:
    whole = Estimate(1, 0, 2)
    assert sound(whole) == whole
    assert sound(Estimate(1, math.nan, 2)) is None
    assert sound(None) is None


def test_neither_the_base_nor_a_held_candidate_counts_as_promoted() -> None:
    listed = [{"number": 0}, {"number": 1, "verdict": "promote"}, {"number": 2, "verdict": "hold"}]
    assert read_summary({"versions": listed}).promoted == 1


def test_the_control_arm_is_a_fact_where_there_is_one() -> None:
    arms = {"policy": {"in": 90, "accepted": 30}, "control": {"in": 10, "accepted": 9}}
    facts = read_summary({"arms": arms})
    assert facts.by_lot == (10, 9)
    assert any(tile.label.startswith("Let in by lot") and tile.value == "9" for tile in tiles(facts))
    assert read_summary({"arms": {"policy": arms["policy"]}}).by_lot is None
