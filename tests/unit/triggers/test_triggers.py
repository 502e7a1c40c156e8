"""When each trigger is due; what all have in common is in `tests/contract/test_triggers.py`."""

from __future__ import annotations

import pytest

from ccit.triggers.age import AgeTrigger
from ccit.triggers.any_of import AnyOf
from ccit.triggers.size import SizeTrigger
from tests.nouns import pooled

SIZE, AGE = SizeTrigger(5), AgeTrigger(60.0, 2)


def test_size_is_due_from_that_size_on() -> None:
    pool = [pooled(n) for n in range(6)]
    assert SIZE.due(pool[:4], now=0.0) is None
    assert [SIZE.due(pool[:n], now=0.0) is not None for n in (5, 6)] == [True, True]


@pytest.mark.parametrize(("count", "now", "is_due"), [(2, 70.0, True), (2, 69.9, False), (1, 1000.0, False)])
def test_age_counts_from_the_oldest_and_needs_a_minimum(count: int, now: float, is_due: bool) -> None:
    pool = [pooled(0, at=10.0), pooled(1, at=50.0)][:count]
    assert (AGE.due(pool, now) is not None) is is_due


def test_the_first_that_is_due_gives_the_reason() -> None:
    pool = [pooled(n) for n in range(5)]
    both = AnyOf((AGE, SIZE)).due(pool, now=100.0)
    late = AnyOf((AGE, SIZE)).due(pool, now=0.0)
    assert both is not None
    assert late is not None
    assert (both.trigger, late.trigger) == ("age", "size")
