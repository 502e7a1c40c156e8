"""What every Trigger must do; each implementation is one row of TRIGGERS."""

from __future__ import annotations

import pickle
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.ports import Trigger
from ccit.triggers.age import AgeTrigger
from ccit.triggers.any_of import AnyOf
from ccit.triggers.size import SizeTrigger
from tests.nouns import pooled

SIZE, AGE = SizeTrigger(5), AgeTrigger(60.0, 2)
TRIGGERS: Mapping[str, Trigger] = {
    "size": SIZE,
    "age": AGE,
    "any of both": AnyOf((SIZE, AGE)),
    "any of none": AnyOf(()),
}

times = st.lists(st.floats(0, 1000), max_size=8).map(sorted)
nows = st.floats(0, 5000)


each = pytest.mark.parametrize("trigger", TRIGGERS.values(), ids=TRIGGERS)


@each
@given(pooled_at=times, now=nows)
def test_a_trigger_is_pure_and_never_due_on_nothing(trigger: Trigger, pooled_at: list[float], now: float) -> None:
    pool = [pooled(number, at=at) for number, at in enumerate(pooled_at)]
    assert trigger.due(pool, now) == trigger.due(list(pool), now)
    assert trigger.due([], now) is None


@each
@given(pooled_at=times, now=nows, later=st.floats(0, 1000), extra=st.integers(0, 3))
def test_what_is_due_stays_due(trigger: Trigger, pooled_at: list[float], now: float, later: float, extra: int) -> None:
    """With more samples, and later: a round that could not start at once starts at the next look."""
    pool = [pooled(number, at=at) for number, at in enumerate(pooled_at)]
    more = [pooled(len(pool) + n, at=now) for n in range(extra)]
    if trigger.due(pool, now) is not None:
        assert trigger.due([*pool, *more], now + later) is not None


@each
def test_a_trigger_says_why_in_words(trigger: Trigger) -> None:
    due = trigger.due([pooled(number) for number in range(9)], now=1e6)
    assert (due is None) == (trigger == AnyOf(()))
    if due is not None:
        assert due.detail
        assert due.trigger in ("size", "age")


@each
def test_a_trigger_travels_to_another_process(trigger: Trigger) -> None:
    assert pickle.loads(pickle.dumps(trigger)) == trigger
