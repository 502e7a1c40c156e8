from __future__ import annotations

import pytest

from ccit.drift.detectors.page_hinkley import PageHinkleyDetector
from ccit.ports.drift import DetectorContext
from tests.drifting import fed, scored

STEADY = [0.65, 0.85] * 150  # a mean of 0.75, a spread of 0.1


def places(after: float, **settings: float) -> list[int]:
    """How many values after the change it is found; of one after the other, if more than once."""
    detector = PageHinkleyDetector(PageHinkleyDetector.Settings.model_validate(settings), DetectorContext(seed=0))
    return [place - len(STEADY) + 1 for place, _ in fed(detector, scored(STEADY + [after] * 100))]


@pytest.mark.parametrize("shift", [-3.0, -2.0, 1.5, 2.0, 4.0])
@pytest.mark.parametrize("threshold", [10.0, 20.0])
def test_a_change_is_found_after_about_the_threshold_over_what_exceeds_the_slack(
    shift: float, threshold: float
) -> None:
    first, *_ = places(0.75 + 0.1 * shift, threshold=threshold)
    assert first == pytest.approx(threshold / (abs(shift) - 0.5), rel=0.15, abs=1)


def test_a_change_within_the_slack_is_let_pass() -> None:
    assert places(0.75 + 0.1 * 0.9, slack=1.0) == []
    assert places(0.75 + 0.1 * 0.9, slack=0.1) != []
