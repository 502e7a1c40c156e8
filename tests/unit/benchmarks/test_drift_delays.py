"""Where a change is looked for and how its delay is counted; the delays are measured, not asserted."""

from benchmarks.drift_delays import BEFORE, alarms, delays, drawn


def test_the_streams_differ_behind_the_change_alone() -> None:
    quiet, risen = drawn(0, BEFORE + 5), drawn(0, BEFORE + 5, rise=2.0)
    assert quiet[:BEFORE] == risen[:BEFORE]
    assert [round(after - before, 9) for before, after in zip(quiet[BEFORE:], risen[BEFORE:], strict=True)] == [0.2] * 5


def test_a_delay_is_counted_in_samples_behind_the_change() -> None:
    found = [next(place for place in alarms("page_hinkley", drawn(seed, 400, rise=3.0)) if place >= BEFORE)
             for seed in (0, 1)]  # fmt: skip
    after = sorted(place - BEFORE + 1 for place in found)
    assert delays("page_hinkley", 3.0, 2) == f"2 of 2, after {sum(after) / 2:.0f} (at most {after[-1]})"
