from __future__ import annotations

from ccit.ports.selection import PolicyContext, Scored
from ccit.selection.policies.accept_all import AcceptAllPolicy
from tests.nouns import sample


def test_everything_is_taken_and_nothing_is_scored_for_it() -> None:
    policy = AcceptAllPolicy(AcceptAllPolicy.Settings(), PolicyContext(seed=0))
    assert policy.needs == ()
    assert policy.choose([Scored(sample(n), ()) for n in range(3)]) == [None] * 3
