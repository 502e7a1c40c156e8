from __future__ import annotations

from ccit.ports.selection import PolicyContext, Scored
from ccit.selection.policies.thresholds import ThresholdsPolicy
from tests.nouns import sample


def test_what_no_check_refused_is_taken() -> None:
    policy = ThresholdsPolicy(ThresholdsPolicy.Settings(), PolicyContext(seed=0))
    assert policy.needs is None
    assert policy.choose([Scored(sample(n), ()) for n in range(3)]) == [None] * 3
