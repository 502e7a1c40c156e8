from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ccit.drift.detectors.adwin import AdwinDetector
from ccit.drift.detectors.of_score import ScoreSettings
from ccit.drift.detectors.page_hinkley import PageHinkleyDetector
from ccit.plugins import build
from ccit.ports.drift import DetectorContext
from ccit.records import Score
from ccit.selection.admission import RELEASED
from tests.drifting import accepted, fed, ifds, scored


def detector(memory: int = 200, baseline: int = 20) -> PageHinkleyDetector:
    settings = PageHinkleyDetector.Settings(memory=memory, baseline=baseline)
    return PageHinkleyDetector(settings, DetectorContext(seed=0))


few = settings(max_examples=10)
seeds = st.integers(0, 2**32 - 1)
of_a_mean = pytest.mark.parametrize(
    "defaults", [AdwinDetector.Settings(), PageHinkleyDetector.Settings()], ids=lambda own: own.kind
)


@of_a_mean
@few
@given(seed=seeds, up=st.booleans())
def test_a_change_of_two_spreads_is_found_within_60_samples(defaults: ScoreSettings, seed: int, up: bool) -> None:
    after = 0.95 if up else 0.55
    found = build("detector", defaults, DetectorContext(seed=0))
    (place, change), *_ = fed(found, scored(ifds(seed, (300, 0.75, 0.1), (60, after, 0.1))))
    assert place >= 300
    assert abs(change.after - after) < 0.2  # the mean of 5 values at least: more than four standard errors


@of_a_mean
@few
@given(seed=seeds)
def test_2000_samples_without_a_change_give_no_alarm(defaults: ScoreSettings, seed: int) -> None:
    found = build("detector", defaults, DetectorContext(seed=0))
    assert fed(found, scored(ifds(seed, (2000, 0.75, 0.1)))) == []


def test_another_version_of_the_scorer_is_no_change() -> None:
    before = [accepted(n, value, scorer="v1") for n, value in enumerate(ifds(0, (100, 0.7, 0.05)))]
    after = [accepted(n, value, scorer="v2") for n, value in enumerate(ifds(1, (100, 0.9, 0.05)))]
    assert fed(detector(), [*before, *after]) == []
    same = [accepted(n, value, scorer="v1") for n, value in enumerate(ifds(1, (100, 0.9, 0.05)))]
    assert [change.metric for _, change in fed(detector(), [*before, *same])] == ["ifd"]


def test_what_is_remembered_is_bounded() -> None:
    found = detector(memory=100)
    fed(found, scored(ifds(0, (450, 0.7, 0.05))))
    assert [len(own["values"]) for own in found.snapshot()["fed"]] == [100]
    fed(found, [accepted(n, 0.7, scorer=f"v{n}") for n in range(10)])
    assert [own["scorer"] for own in found.snapshot()["fed"]] == ["v6", "v7", "v8", "v9"]


def test_a_value_that_never_changes_has_a_unit() -> None:
    assert fed(detector(), scored([0.5] * 100)) == []
    assert fed(detector(), scored([0.5] * 50 + [30.5] * 50)) != []


def test_a_sample_without_the_score_says_nothing() -> None:
    found = detector()
    unscored = Score("ifd", None, "v0", unscored="too short")
    one = accepted(0)
    assert found.observe(one) is None
    assert found.observe(replace(one, decision=replace(one.decision, scores=(unscored,)))) is None
    assert found.snapshot() == {"seen": 2, "fed": []}


def test_scorers_that_take_turns_do_not_blind_it_and_a_change_is_told_once() -> None:
    """Two number formats, say: the values of each compare among themselves."""
    values = ifds(0, (200, 0.7, 0.05), (60, 0.9, 0.05))
    log = [accepted(n, value + n % 2, scorer=f"v1 {n % 2}") for n, value in enumerate(values)]
    ((place, change),) = fed(detector(), log)
    assert place >= 200
    assert abs(place - change.since + 1 - 200) <= 5


def test_what_a_person_has_released_says_nothing() -> None:
    """Its score is as old as its refusal, and by an older version."""
    released = accepted(0, 0.2, scorer="v0")
    released = replace(released, decision=replace(released.decision, annotations={RELEASED: "a.mueller"}))
    found, values = detector(), scored(ifds(0, (60, 0.7, 0.05)))
    fed(found, [*values[:30], released, *values[30:]])
    assert [len(own["values"]) for own in found.snapshot()["fed"]] == [60]


def test_where_a_change_began_is_counted_in_samples() -> None:
    """Two of three have no score."""
    values = ifds(0, (100, 0.7, 0.05), (40, 0.9, 0.05))
    log = [accepted(n, values[n // 3] if n % 3 == 0 else None) for n in range(3 * len(values))]
    ((place, change),) = fed(detector(), log)
    assert place - change.since + 1 == 300


def test_a_state_with_values_of_unknown_samples_is_refused() -> None:
    with pytest.raises(ValueError, match="expected samples seen"):
        detector().restore({"seen": 2, "fed": [{"scorer": "v0", "values": [0.7, 0.8], "numbers": [1]}]})


@pytest.mark.parametrize(
    ("settings", "needed"),
    [(ScoreSettings, {}), (PageHinkleyDetector.Settings, {}), (AdwinDetector.Settings, {"every": 40})],
)
def test_a_memory_in_which_nothing_can_be_found_is_refused(
    settings: type[ScoreSettings], needed: dict[str, Any]
) -> None:
    least = settings(**needed).needed
    assert settings(baseline=100 - least, memory=100, **needed).memory == 100
    with pytest.raises(ValidationError, match="without which nothing is ever found"):
        settings(baseline=101 - least, memory=100, **needed)


def test_in_the_smallest_memory_a_change_is_found() -> None:
    assert fed(detector(memory=100, baseline=70), scored([0.5 + n % 2 / 10 for n in range(75)] + [90.0] * 25))
