from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.drift.detectors.adwin import AdwinDetector
from ccit.ports.drift import DetectorContext
from tests.drifting import fed, ifds, scored

few = settings(max_examples=10)
seeds = st.integers(0, 2**32 - 1)


def detector() -> AdwinDetector:
    return AdwinDetector(AdwinDetector.Settings(), DetectorContext(seed=0))


@few
@given(seed=seeds, up=st.booleans())
def test_a_change_of_two_spreads_is_found_within_60_samples(seed: int, up: bool) -> None:
    after = 0.95 if up else 0.55
    (place, change), *_ = fed(detector(), scored(ifds(seed, (300, 0.75, 0.1), (60, after, 0.1))))
    assert place >= 300
    assert abs(change.since - (place - 299)) <= 10, "and it is said when it began"
    assert abs(change.after - after) < 0.1


@few
@given(seed=seeds)
def test_2000_samples_without_a_change_give_no_alarm(seed: int) -> None:
    assert fed(detector(), scored(ifds(seed, (2000, 0.75, 0.1)))) == []
