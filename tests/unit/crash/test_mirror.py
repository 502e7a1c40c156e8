from __future__ import annotations

from ccit.ports.selection import Scored
from ccit.records import Decision, Position
from ccit.scoring.index import ExactIndex
from ccit.selection.admitted import AdmittedSamples
from ccit.vectors import quantise
from tests.crash.mirror import DIVERGED, MirrorPolicy
from tests.nouns import sample

VECTOR = {"sample": quantise([[1.0, 0.0]])[0]}


def test_it_admits_while_it_agrees_with_the_index_and_nothing_after() -> None:
    admitted = AdmittedSamples({"sample": ExactIndex(2)})
    policy = MirrorPolicy(admitted)
    batch = [Scored(sample(0), ()), Scored(sample(1), ())]
    assert policy.choose(batch) == [None, None]
    policy.commit()
    for number in range(2):
        admitted.add(sample(number).content_digest, VECTOR, Position(0, number))
    assert policy.choose(batch) == [None, None]
    policy.abort()
    admitted.add(sample(2).content_digest, VECTOR, Position(0, 2))
    assert policy.choose(batch) == [DIVERGED, DIVERGED]
    policy.observe([Decision(sample(2), True, "accepted")])
    assert policy.choose(batch) == [None, None]


def test_its_state_comes_back_from_a_snapshot() -> None:
    policy, again = (MirrorPolicy(AdmittedSamples({"sample": ExactIndex(2)})) for _ in range(2))
    policy.choose([Scored(sample(0), ())])
    policy.commit()
    again.restore(policy.snapshot())
    assert again.snapshot() == policy.snapshot() != MirrorPolicy(AdmittedSamples({"sample": ExactIndex(2)})).snapshot()
