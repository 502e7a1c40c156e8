from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from consumers.kafka.pace import Pace


def settled(cost_s: float, most: int, overhead_s: float = 0.0) -> list[int]:
    """Sizes of twenty full batches on a machine that needs so long per message and per batch."""
    pace, sizes = Pace(most, 5.0), []
    for _ in range(20):
        sizes.append(pace.size)
        pace.took(pace.size, overhead_s + cost_s * pace.size)
    return sizes


def test_a_quick_machine_soon_takes_all_it_may() -> None:
    assert settled(0.001, 128)[:5] == [16, 32, 64, 128, 128]


@given(cost_s=st.floats(0.0001, 100.0), most=st.integers(1, 1000), overhead_s=st.floats(0.0, 1.0))
def test_batches_come_to_take_about_their_time_on_any_machine(cost_s: float, most: int, overhead_s: float) -> None:
    sizes = settled(cost_s, most, overhead_s)
    assert all(1 <= size <= most for size in sizes)
    largest = max(1.0, min(most, (5.0 - overhead_s) / cost_s))  # that takes no longer than it should
    assert all(size <= 2 * largest for size in sizes[2:])
    assert max(sizes[12:]) >= 0.4 * largest - 1


def test_a_batch_that_was_not_full_tells_nothing_of_a_larger_one() -> None:
    pace = Pace(128, 5.0)
    pace.took(3, 0.1)
    assert pace.size == 16


def test_without_a_time_only_the_most_counts() -> None:
    pace = Pace(128, math.inf)
    pace.took(128, 1e6)
    assert pace.size == 128
