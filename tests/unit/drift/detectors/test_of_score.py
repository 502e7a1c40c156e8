from __future__ import annotations

from dataclasses import replace

from ccit.drift.detectors.page_hinkley import PageHinkleyDetector
from ccit.ports.drift import DetectorContext
from ccit.records import Score
from tests.drifting import accepted, fed, ifds, scored


def detector(memory: int = 200, baseline: int = 20) -> PageHinkleyDetector:
    settings = PageHinkleyDetector.Settings(memory=memory, baseline=baseline)
    return PageHinkleyDetector(settings, DetectorContext(seed=0))


def test_another_version_of_the_scorer_is_no_change() -> None:
    before = [accepted(n, value, scorer="v1") for n, value in enumerate(ifds(0, (100, 0.7, 0.05)))]
    after = [accepted(n, value, scorer="v2") for n, value in enumerate(ifds(1, (100, 0.9, 0.05)))]
    assert fed(detector(), [*before, *after]) == []
    same = [accepted(n, value, scorer="v1") for n, value in enumerate(ifds(1, (100, 0.9, 0.05)))]
    assert [change.metric for _, change in fed(detector(), [*before, *same])] == ["ifd"]


def test_what_is_remembered_is_bounded() -> None:
    found = detector(memory=100)
    fed(found, scored(ifds(0, (450, 0.7, 0.05))))
    assert len(found.snapshot()["values"]) == 100


def test_a_value_that_never_changes_has_a_unit() -> None:
    assert fed(detector(), scored([0.5] * 100)) == []
    assert fed(detector(), scored([0.5] * 50 + [30.5] * 50)) != []


def test_a_sample_without_the_score_says_nothing() -> None:
    found = detector()
    unscored = Score("ifd", None, "v0", unscored="too short")
    one = accepted(0)
    assert found.observe(one) is None
    assert found.observe(replace(one, decision=replace(one.decision, scores=(unscored,)))) is None
    assert found.snapshot()["values"] == []
