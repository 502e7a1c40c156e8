from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from ccit.plugins import plugins
from ccit.ports.selection import Check, Choices, PolicyContext, Scored
from ccit.records import Decision, Position, Sample, Score
from ccit.scoring.index import ExactIndex
from ccit.selection.admission import Admission, Selector
from ccit.selection.admitted import AdmittedSamples
from ccit.selection.checks.ifd import IfdCheck
from ccit.selection.checks.length import LengthCheck
from ccit.testing import FixedProxy, LetterEmbedder, check_context
from tests.nouns import sample


def admission(ifd: float, longest: int = 1000, control_share: float = 0.0, check: IfdCheck | None = None) -> Admission:
    context = check_context(proxy=FixedProxy(ifd))
    checks: Mapping[str, Check] = {
        "length": LengthCheck(LengthCheck.Settings(min=0, max=longest), context),
        "ifd": check or IfdCheck(IfdCheck.Settings(), context),
    }
    policy = plugins("policy")["thresholds"].settings()
    selector = Selector.of(policy, PolicyContext(seed=0), control_share)
    return Admission(checks, selector, AdmittedSamples({"sample": ExactIndex(26)}), LetterEmbedder())


def decided(one: Admission, number: int = 0) -> Decision:
    (decision,) = one.decide([sample(number)])
    return decision


def test_what_a_check_quarantines_carries_its_cause() -> None:
    refused = decided(admission(1.2))
    assert (refused.reason, refused.annotations) == ("ifd_too_high", {"quarantine": "mismatch"})


def test_what_is_let_in_or_refused_otherwise_carries_none() -> None:
    others = [admission(0.8), admission(0.1), admission(1.2, longest=1), admission(1.2, control_share=0.999)]
    found = [decided(one) for one in others]
    assert [one.reason for one in found] == ["accepted", "ifd_too_low", "too_long", "accepted"]
    assert [one.annotations for one in found] == [{}] * 4


class Undecided(IfdCheck):
    """Cannot say why it refuses."""

    def cause(self, sample: Sample, score: Score) -> str:
        raise ValueError("no cause")


class Halved(FixedProxy):
    """Every second sample has an IFD that is refused."""

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        return [(Score("ifd", (0.8, 1.2)[number % 2], ""),) for number in range(len(samples))]


def test_a_cause_that_raises_leaves_nothing_staged() -> None:
    one = admission(0.8, check=Undecided(IfdCheck.Settings(), check_context(proxy=Halved())))
    with pytest.raises(ValueError, match="no cause"):
        one.decide([sample(0), sample(1)])
    assert decided(one).reason == "accepted", "not a copy of itself"


class Counting:
    """A policy that takes all and counts what it is told of."""

    needs = ()
    stateful = True
    reasons: Mapping[str, tuple[str, str]] = {}

    def __init__(self) -> None:
        self.observed: list[Decision] = []

    def choose(self, batch: Sequence[Scored]) -> Choices:
        return [None] * len(batch)

    def observe(self, decisions: Sequence[Decision]) -> None:
        self.observed += decisions

    def commit(self) -> None: ...

    def abort(self) -> None: ...

    def snapshot(self) -> Mapping[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None: ...


def test_what_is_released_is_let_in_with_the_scores_it_was_refused_by() -> None:
    one = admission(1.2)
    refused = decided(one)
    released = one.release(refused, "the ward")
    assert (released.accepted, released.reason, released.owner) == (True, "accepted", "admission")
    assert released.scores == refused.scores != ()
    assert released.annotations == {"quarantine": "mismatch", "released": "the ward"}
    assert one.vectors(refused.sample.sample_id)["sample"].shape == (26,)
    one.commit({refused.sample.sample_id: Position(0, 0)})
    assert one.release(refused, "the ward").reason == "exact_duplicate"
    assert decided(one).reason == "exact_duplicate"


def test_what_is_released_is_in_no_policys_state() -> None:
    policy = Counting()
    one = Admission({}, Selector(policy, "counting", ""), AdmittedSamples({"sample": ExactIndex(26)}), LetterEmbedder())
    chosen = decided(one)
    released = one.release(decided(admission(1.2), 1), "the ward")
    one.observe([chosen, released, replace(chosen, arm="control")])
    assert policy.observed == [chosen]
