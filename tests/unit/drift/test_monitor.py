from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.drift.detectors.page_hinkley import PageHinkleyDetector
from ccit.drift.monitor import DriftMonitor
from ccit.ports.drift import Accepted, Detector, DetectorContext
from ccit.records import Position
from tests.drifting import accepted, ifds
from tests.nouns import decision

STANDING = 100


def detectors() -> dict[str, Detector]:
    settings = PageHinkleyDetector.Settings(baseline=20)
    return {"page_hinkley": PageHinkleyDetector(settings, DetectorContext(seed=0))}


def monitor() -> DriftMonitor:
    return DriftMonitor(detectors, STANDING, seed=0, stamp="test")


def stream(seed: int = 0, after: int = 60) -> list[Accepted]:
    values = ifds(seed, (100, 0.7, 0.05), (after, 0.9, 0.05))
    return [accepted(n, value, source="ward" if n < 100 else "import") for n, value in enumerate(values)]


def read(found: DriftMonitor, log: Sequence[Accepted], partition: int = 0, begin: int = 0) -> None:
    for offset in range(begin, len(log)):
        found.observe(Position(partition, offset), log[offset])


def test_a_drift_is_told_with_its_cause_and_marks_what_belongs_to_it() -> None:
    found = monitor()
    read(found, stream(after=31))
    assert not found.found
    read(found, stream(after=60))
    (drift,) = found.found
    assert (drift.detector, drift.metric, drift.cause, drift.mark) == ("page_hinkley", "ifd", "source", "import")
    assert 100 <= drift.offset < 132
    assert found.counts == {("page_hinkley", "ifd", "source"): 1}
    ours, refused = stream()[-1].decision, replace(stream()[-1].decision, accepted=False)
    marked = found.marked([ours, refused, decision(1)])
    assert [one.annotations for one in marked] == [{"drift": "source"}, {}, {}]


def test_it_stands_for_a_while() -> None:
    found, log = monitor(), stream(after=32 + STANDING + 10)
    read(found, log[: -(STANDING // 2)])
    assert found.standing == found.found != ()
    read(found, log)
    assert found.standing == ()
    assert found.found != ()
    assert found.marked([log[-1].decision]) == [log[-1].decision]


def test_partitions_are_watched_apart() -> None:
    found = monitor()
    read(found, stream(), partition=3)
    read(found, stream()[:100], partition=1)
    assert [drift.partition for drift in found.found] == [3]


def test_without_a_detector_nothing_is_watched() -> None:
    found = DriftMonitor()
    read(found, stream())
    assert not found.on
    assert found.snapshot() == {} or found.found == ()


@settings(max_examples=15)
@given(seed=st.integers(0, 99), cut=st.integers(0, 160), again=st.integers(0, 40))
def test_a_restart_anywhere_changes_nothing(seed: int, cut: int, again: int) -> None:
    """From a snapshot at any place, with some of the log read once more."""
    log, whole, restarted = stream(seed), monitor(), monitor()
    read(whole, log)
    earlier = monitor()
    read(earlier, log[:cut])
    restarted.restore(json.loads(json.dumps(earlier.snapshot())))
    assert restarted.snapshot() == earlier.snapshot()
    read(restarted, log, begin=max(0, cut - again))
    assert restarted.snapshot() == whole.snapshot()
    assert (restarted.found, restarted.standing, restarted.counts) == (whole.found, whole.standing, whole.counts)


@pytest.mark.parametrize(
    "strange",
    [
        {"0": {"what": 1}},
        {"0": {"next_offset": 3, "seen": 3, "detectors": {}}},
        {"0": {"detectors": {"page_hinkley": {"values": ["x"]}}}},
        {"first": {}},
    ],
)
def test_a_strange_state_is_refused_and_nothing_has_changed(strange: dict[str, object]) -> None:
    found = monitor()
    read(found, stream())
    before = found.snapshot()
    with pytest.raises(ValueError, match="expected"):
        found.restore(strange)
    assert found.snapshot() == before
