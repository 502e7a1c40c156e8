from __future__ import annotations

from ccit.ports.rounds import TriggerContext
from ccit.triggers.size import SizeTrigger
from tests.nouns import pooled


def test_size_is_due_from_that_size_on() -> None:
    trigger = SizeTrigger(SizeTrigger.Settings(), TriggerContext(size=5, min_size=2))
    pool = [pooled(n) for n in range(6)]
    assert trigger.due(pool[:4], now=0.0) is None
    assert [trigger.due(pool[:n], now=0.0) is not None for n in (5, 6)] == [True, True]
