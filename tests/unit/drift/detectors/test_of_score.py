from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from ccit.drift.detectors.adwin import AdwinDetector
from ccit.drift.detectors.of_score import ScoreSettings
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


@pytest.mark.parametrize(
    ("settings", "needed"),
    [(ScoreSettings, {}), (PageHinkleyDetector.Settings, {}), (AdwinDetector.Settings, {"every": 40})],
)
def test_a_memory_in_which_nothing_can_be_found_is_refused(
    settings: type[ScoreSettings], needed: dict[str, int]
) -> None:
    least = settings(**needed).needed
    assert settings(baseline=100 - least, memory=100, **needed).memory == 100
    with pytest.raises(ValidationError, match="without which nothing is ever found"):
        settings(baseline=101 - least, memory=100, **needed)


def test_in_the_smallest_memory_a_change_is_found() -> None:
    assert fed(detector(memory=100, baseline=70), scored([0.5 + n % 2 / 10 for n in range(75)] + [90.0] * 25))
