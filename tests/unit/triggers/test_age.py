from __future__ import annotations

import pytest

from ccit.ports.rounds import TriggerContext
from ccit.triggers.age import AgeTrigger
from tests.nouns import pooled


@pytest.mark.parametrize(("count", "now", "is_due"), [(2, 70.0, True), (2, 69.9, False), (1, 1000.0, False)])
def test_age_counts_from_the_oldest_and_needs_a_minimum(count: int, now: float, is_due: bool) -> None:
    trigger = AgeTrigger(AgeTrigger.Settings(max_seconds=60), TriggerContext(size=5, min_size=2))
    pool = [pooled(0, at=10.0), pooled(1, at=50.0)][:count]
    assert (trigger.due(pool, now) is not None) is is_due
