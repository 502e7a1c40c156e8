"""What every registered Trigger must do, and what any of several must."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st

from ccit.plugins import Plugin
from ccit.ports.rounds import Trigger, TriggerContext
from ccit.triggers.any_of import AnyOf
from tests.contract.registered import each, made
from tests.nouns import decision, pooled

CONTEXT = TriggerContext(size=5, min_size=2)
DAY = 24 * 3600.0

times = st.lists(st.floats(0, 1000), max_size=8).map(sorted)
nows = st.floats(0, 2 * DAY)


def trigger_of(entry: Plugin) -> Trigger:
    made_of: Trigger = made(entry, CONTEXT)
    return made_of


@each("trigger")
@given(pooled_at=times, now=nows)
def test_a_trigger_is_pure_and_never_due_on_nothing(entry: Plugin, pooled_at: list[float], now: float) -> None:
    trigger = trigger_of(entry)
    pool = [pooled(number, at=at) for number, at in enumerate(pooled_at)]
    assert trigger.due(pool, now) == trigger.due(list(pool), now) == trigger_of(entry).due(pool, now)
    assert trigger.due([], now) is None


@each("trigger")
@given(pooled_at=times, now=nows, later=st.floats(0, 1000), extra=st.integers(0, 3))
def test_what_is_due_stays_due(entry: Plugin, pooled_at: list[float], now: float, later: float, extra: int) -> None:
    """With more samples, and later: a round that could not start at once starts at the next look."""
    trigger = trigger_of(entry)
    pool = [pooled(number, at=at) for number, at in enumerate(pooled_at)]
    more = [pooled(len(pool) + n, at=now) for n in range(extra)]
    if trigger.due(pool, now) is not None:
        assert trigger.due([*pool, *more], now + later) is not None


@each("trigger")
def test_a_trigger_says_why_in_words_and_under_its_own_name(entry: Plugin) -> None:
    trigger = trigger_of(entry)
    trigger.observe([decision(number) for number in range(9)])
    due = trigger.due([pooled(number) for number in range(9)], now=365 * DAY)
    if due is not None:  # one that waits for something else than size and time says nothing
        assert due.trigger == entry.kind
        assert due.detail
        assert due.numbers


@each("trigger")
def test_a_trigger_travels_to_another_process(entry: Plugin) -> None:
    pool = [pooled(number) for number in range(9)]
    there = pickle.loads(pickle.dumps(trigger_of(entry)))
    assert there.due(pool, 365 * DAY) == trigger_of(entry).due(pool, 365 * DAY)
    assert there.whole_pool == trigger_of(entry).whole_pool


@each("trigger")
def test_one_of_several_speaks_for_all(entry: Plugin) -> None:
    pool = [pooled(number) for number in range(9)]
    trigger = trigger_of(entry)
    assert AnyOf((trigger,)).due(pool, 365 * DAY) == trigger.due(pool, 365 * DAY)
