from __future__ import annotations

from ccit.ports.rounds import TriggerContext
from ccit.triggers.interval import IntervalTrigger
from tests.nouns import pooled


def due(waiting: list[float], now: float, offset: float = 0.0, min_size: int = 1) -> float | None:
    """How many times for a round have passed, where one is due."""
    settings = IntervalTrigger.Settings(seconds=100, offset=offset)
    found = IntervalTrigger(settings, TriggerContext(size=99, min_size=min_size)).due(
        [pooled(n, at=at) for n, at in enumerate(waiting)], now
    )
    return None if found is None else found.numbers["passed"]


def test_a_round_starts_at_the_next_multiple() -> None:
    assert due([120.0], 199.0) is None
    assert due([120.0], 200.0) == 1
    assert due([200.0], 299.0) is None  # what comes at that very time waits for the next


def test_what_was_missed_is_made_up_for_once() -> None:
    assert due([120.0], 450.0) == 3


def test_the_offset_moves_the_times() -> None:
    assert due([120.0], 200.0, offset=30.0) == 1  # 130 has passed
    assert due([135.0], 200.0, offset=30.0) is None
    assert due([135.0], 230.0, offset=30.0) == 1


def test_a_round_has_its_least_size() -> None:
    assert due([120.0, 130.0], 250.0, min_size=3) is None
