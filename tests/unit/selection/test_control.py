"""The control arm: who is in it, what it lets in, and that the policy does not notice it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ccit.ports.selection import Check, PolicyContext
from ccit.records import Decision, Position, Sample
from ccit.scoring.index import ExactIndex
from ccit.selection.admission import Admission, Selector
from ccit.selection.admitted import AdmittedSamples
from ccit.selection.checks.length import LengthCheck
from ccit.selection.checks.novelty import NoveltyCheck
from ccit.selection.control import ControlArm
from ccit.selection.policies.source_quota import SourceQuotaPolicy
from ccit.testing import LetterEmbedder, check_context
from tests.nouns import sample


def admission_of(control_share: float, most: int = 1000, max_similarity: float = 1.0) -> Admission:
    admitted = AdmittedSamples({"sample": ExactIndex(26)})
    context = replace(check_context(), neighbours=admitted)
    checks: dict[str, Check] = {"length": LengthCheck(LengthCheck.Settings(min=20), context)}
    if max_similarity < 1:
        checks["novelty"] = NoveltyCheck(NoveltyCheck.Settings(max_similarity=max_similarity, space="sample"), context)
    chosen = Selector.of(SourceQuotaPolicy.Settings(most=most), PolicyContext(seed=5), control_share)
    return Admission(checks, chosen, admitted, LetterEmbedder())


def decided(admission: Admission, samples: Sequence[Sample], offset: int = 0) -> list[Decision]:
    decisions = admission.decide(samples)
    accepted = [decision.sample.sample_id for decision in decisions if decision.accepted]
    admission.commit({sample_id: Position(0, offset + n) for n, sample_id in enumerate(accepted)})
    return decisions


SHORT = [replace(sample(n), response=f"Take {n}.") for n in range(400)]  # the check refuses them all


def test_it_takes_its_share_whatever_the_checks_say_and_says_so() -> None:
    decisions = decided(admission_of(0.25), SHORT)
    control = [decision for decision in decisions if decision.arm == "control"]
    assert abs(len(control) / 400 - 0.25) < 0.08  # four standard deviations
    assert [decision.sample for decision in decisions] == SHORT, "in the order of the stream"
    assert {(d.arm, d.accepted, d.reason, d.owner, bool(d.policy)) for d in decisions} == {
        ("control", True, "accepted", "admission", False),
        ("policy", False, "too_short", "length", True),
    }


def test_without_a_share_there_is_none() -> None:
    assert {decision.arm for decision in decided(admission_of(0.0), SHORT)} == {"policy"}


def test_a_sample_that_comes_again_is_in_the_same_arm() -> None:
    arm = ControlArm(0.5, seed=1)
    assert [arm.arm_of(one) for one in SHORT] == [arm.arm_of(one) for one in SHORT]
    assert [arm.arm_of(one) for one in SHORT] != [ControlArm(0.5, seed=2).arm_of(one) for one in SHORT]


def test_the_policy_counts_its_own_alone_also_after_a_restart() -> None:
    """A quota of ten is filled by ten that the policy took, however many the lot let in."""
    samples = [sample(n) for n in range(100)]
    here, later = admission_of(0.5, most=10), admission_of(0.5, most=10)
    first = decided(here, samples[:30])
    later.observe([decision for decision in first if decision.accepted])
    assert later.policy_state() == here.policy_state()
    everything = first + decided(here, samples[30:], offset=100)
    assert sum(d.accepted and d.arm == "policy" for d in everything) == 10
    assert sum(d.accepted and d.arm == "control" for d in everything) > 30


def test_a_copy_is_refused_in_either_arm() -> None:
    admission = admission_of(0.5)
    copies = [replace(sample(1), sample_id=f"copy{n}") for n in range(40)]
    decisions = decided(admission, copies)
    assert sum(decision.accepted for decision in decisions) == 1
    assert {d.arm for d in decisions if d.reason == "exact_duplicate"} == {"policy", "control"}
    assert not any(d.accepted for d in decided(admission, [replace(sample(1), sample_id="again")], offset=1))


def test_what_it_let_in_counts_for_novelty_and_an_abort_takes_it_back() -> None:
    admission = admission_of(0.5, max_similarity=0.999)
    control = next(one for one in (sample(n) for n in range(99)) if ControlArm(0.5, 5).arm_of(one) == "control")
    near = [replace(control, sample_id=f"near{n}", response=control.response + " ") for n in range(20)]
    policy = next(one for one in near if ControlArm(0.5, 5).arm_of(one) == "policy")
    admission.decide([control])
    admission.abort()
    assert decided(admission, [policy])[0].accepted
    admission = admission_of(0.5, max_similarity=0.999)
    decided(admission, [control])
    assert admission.decide([policy])[0].reason == "not_novel"
