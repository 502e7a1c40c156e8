from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.drift.detectors.page_hinkley import PageHinkleyDetector
from ccit.ports.drift import DetectorContext
from tests.drifting import fed, ifds, scored

few = settings(max_examples=10)
seeds = st.integers(0, 2**32 - 1)


def detector() -> PageHinkleyDetector:
    return PageHinkleyDetector(PageHinkleyDetector.Settings(), DetectorContext(seed=0))


@few
@given(seed=seeds, up=st.booleans())
def test_a_change_of_two_spreads_is_found_within_60_samples(seed: int, up: bool) -> None:
    after = 0.95 if up else 0.55
    (place, change), *_ = fed(detector(), scored(ifds(seed, (300, 0.75, 0.1), (60, after, 0.1))))
    assert place >= 300
    assert abs(change.after - after) < 0.2  # the mean of 5 values at least: more than four standard errors


@few
@given(seed=seeds)
def test_2000_samples_without_a_change_give_no_alarm(seed: int) -> None:
    assert fed(detector(), scored(ifds(seed, (2000, 0.75, 0.1)))) == []
