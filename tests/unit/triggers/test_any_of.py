from __future__ import annotations

from ccit.ports.rounds import TriggerContext
from ccit.triggers.age import AgeTrigger
from ccit.triggers.any_of import AnyOf
from ccit.triggers.size import SizeTrigger
from tests.nouns import pooled

CONTEXT = TriggerContext(size=5, min_size=2)
SIZE = SizeTrigger(SizeTrigger.Settings(), CONTEXT)
AGE = AgeTrigger(AgeTrigger.Settings(max_seconds=60), CONTEXT)


def test_the_first_that_is_due_gives_the_reason() -> None:
    pool = [pooled(n) for n in range(5)]
    both = AnyOf((AGE, SIZE)).due(pool, now=100.0)
    late = AnyOf((AGE, SIZE)).due(pool, now=0.0)
    assert both is not None
    assert late is not None
    assert (both.trigger, late.trigger) == ("age", "size")
    assert AnyOf(()).due(pool, now=100.0) is None


def test_one_that_wants_the_whole_pool_is_enough() -> None:
    assert [AnyOf(those).whole_pool for those in ((), (SIZE,), (SIZE, AGE))] == [False, False, True]
