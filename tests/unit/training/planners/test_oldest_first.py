from __future__ import annotations

from ccit.ports.rounds import PlannerContext
from ccit.training.planners.oldest_first import OldestFirst
from tests.nouns import pooled


def test_a_round_is_as_large_as_said_or_as_what_waits() -> None:
    planner = OldestFirst(OldestFirst.Settings(), PlannerContext(size=3, seed=0))
    assert planner.choose([pooled(number) for number in range(5)]).considered == 3
    assert planner.choose([pooled(0), pooled(1)]).considered == 2
