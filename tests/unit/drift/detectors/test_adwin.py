from __future__ import annotations

import pytest

from ccit.drift.detectors.adwin import AdwinDetector
from ccit.ports.drift import DetectorContext
from tests.drifting import fed, ifds, scored


def detector(**settings: float) -> AdwinDetector:
    return AdwinDetector(AdwinDetector.Settings.model_validate(settings), DetectorContext(seed=0))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("after", [0.95, 0.55])
def test_it_is_said_when_a_change_began_and_to_what(seed: int, after: float) -> None:
    (place, change), *_ = fed(detector(), scored(ifds(seed, (300, 0.75, 0.1), (60, after, 0.1))))
    assert abs(change.since - (place - 299)) <= 10
    assert abs(change.after - after) < 0.1


def test_it_looks_after_every_so_many_values_behind_the_baseline() -> None:
    stream = scored([0.65, 0.85] * 150 + [1.15] * 60)  # a rise of four spreads
    (place, _), *_ = fed(detector(baseline=50, every=32), stream)
    assert (place + 1 - 50) % 32 == 0


def test_a_greater_change_is_found_earlier_and_so_is_any_by_one_that_may_be_wrong_more_often() -> None:
    def delay(after: float, delta: float) -> int:
        stream = scored([0.65, 0.85] * 150 + [after] * 100)
        return fed(detector(every=1, delta=delta), stream)[0][0] - 299

    assert delay(0.85, 0.0001) > delay(0.95, 0.0001) > delay(1.15, 0.0001)
    assert delay(0.95, 0.0001) > delay(0.95, 0.05)
