from __future__ import annotations

import pytest
from pydantic import ValidationError

from ccit.drift.detectors.kswin import KswinDetector
from ccit.ports.drift import DetectorContext
from tests.drifting import fed, ifds, scored


def detector() -> KswinDetector:
    return KswinDetector(KswinDetector.Settings(), DetectorContext(seed=0))


@pytest.mark.parametrize("seed", range(3))
def test_a_change_of_two_spreads_is_found_within_60_samples_and_none_in_500_without(seed: int) -> None:
    (place, change), *_ = fed(detector(), scored(ifds(seed, (500, 0.75, 0.1), (60, 0.95, 0.1))))
    assert place >= 500
    assert change.after > change.before


def test_a_wider_distribution_with_the_same_mean_is_a_change() -> None:
    found = fed(detector(), scored(ifds(0, (250, 0.75, 0.02), (60, 0.75, 0.3))))
    assert [place >= 250 for place, _ in found] == [True]
    assert found[0][1].since == 50


def test_windows_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValidationError, match="above half of window"):
        KswinDetector.Settings(window=60, newest=40)


def test_a_memory_without_room_for_baseline_and_window_is_refused() -> None:
    assert KswinDetector.Settings(memory=250).baseline == 50
    with pytest.raises(ValidationError, match=r"memory .249. is below baseline .50. and the 200 values"):
        KswinDetector.Settings(memory=249)
