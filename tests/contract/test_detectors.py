"""What every registered Detector must do: a state that follows from the samples in their order, and from no more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.plugins import Plugin
from ccit.ports.drift import Accepted, Detector, DetectorContext
from tests.contract.registered import each
from tests.drifting import accepted, fed, ifds

# Short streams must reach what a detector does when it has seen enough.
SETTINGS: dict[str, dict[str, Any]] = {
    "adwin": {"baseline": 10, "memory": 100},
    "embedding_windows": {"window": 10, "permutations": 999, "alpha": 0.002},
    "kswin": {"baseline": 10, "memory": 100, "window": 30, "newest": 10, "alpha": 0.001},
    "page_hinkley": {"baseline": 10, "memory": 100},
}
few = settings(max_examples=15)
seeds = st.integers(0, 2**16)


def detector_of(entry: Plugin) -> Detector:
    found: Detector = entry.cls(entry.settings(**SETTINGS.get(entry.kind, {})), DetectorContext(seed=7))
    return found


def stream(seed: int) -> list[Accepted]:
    """A change in scores, vectors and versions; some samples have neither."""
    values = ifds(seed, (70, 0.7, 0.05), (70, 0.95, 0.05))
    return [
        Accepted(accepted(n).decision)
        if n % 11 == 5
        else accepted(seed + n, value, centre=n // 70, scorer=f"v{n // 110}")
        for n, value in enumerate(values)
    ]


@each("detector")
@few
@given(seed=seeds, cut=st.integers(0, 140))
def test_a_restart_anywhere_changes_nothing(entry: Plugin, seed: int, cut: int) -> None:
    log, whole, restarted, earlier = stream(seed), detector_of(entry), detector_of(entry), detector_of(entry)
    found = fed(whole, log)
    before = fed(earlier, log[:cut])
    restarted.restore(json.loads(json.dumps(earlier.snapshot())))
    assert restarted.snapshot() == earlier.snapshot()
    assert before + [(cut + place, change) for place, change in fed(restarted, log[cut:])] == found
    assert restarted.snapshot() == whole.snapshot()


@each("detector")
def test_what_never_changes_is_no_change_and_a_change_is_put_into_numbers(entry: Plugin) -> None:
    assert fed(detector_of(entry), [accepted(0, 0.5)] * 200) == []
    for place, change in fed(detector_of(entry), stream(0)):
        assert 1 <= change.since <= place + 1
        assert change.metric
        assert change.before != change.after


@each("detector")
def test_a_strange_state_is_refused_and_nothing_has_changed(entry: Plugin) -> None:
    detector = detector_of(entry)
    fed(detector, stream(0)[:25])
    before = detector.snapshot()
    for strange in ({"what is this": 1}, {**before, "more": 1}, dict.fromkeys(before, 7)):
        with pytest.raises(ValueError, match="expected"):
            detector.restore(strange)
        assert detector.snapshot() == before
