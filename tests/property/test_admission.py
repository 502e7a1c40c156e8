"""The law of admission: a batch is decided as if one sample at a time, wherever the batches end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.plugins import plugins
from ccit.ports.selection import Check, Choices, PolicyContext, Scored
from ccit.ports.vectors import Vectors
from ccit.records import Decision, Position, Sample, Score, Spend
from ccit.scoring.index import ExactIndex
from ccit.selection.admission import Admission, Selector
from ccit.selection.admitted import AdmittedSamples
from ccit.selection.checks.diversity import DiversityCheck
from ccit.selection.checks.ifd import IfdCheck
from ccit.selection.checks.language import LanguageCheck
from ccit.selection.checks.length import LengthCheck
from ccit.selection.checks.novelty import NoveltyCheck
from ccit.testing import FixedProxy, check_context
from ccit.vectors import quantise
from tests.evenly import EvenlyPolicy, evenly

DIMENSION = 4


def policy(kind: str, **settings: object) -> Selector:
    return Selector.of(plugins("policy")[kind].settings.model_validate({"kind": kind, **settings}), PolicyContext(3))


def unit(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / 2**32


class LetterEmbedder:
    """Counts of four letters: texts of the same letters are near each other, whatever their order."""

    stamp = "letters"
    dimension = DIMENSION
    spent = Spend()

    def embed(self, texts: Sequence[str]) -> Vectors:
        return quantise([[text.count(letter) + 0.1 for letter in "abcd"] for text in texts])


class ContentProxy(FixedProxy):
    """An IFD from the response's hash; counts what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        self.seen += [s.sample_id for s in samples]
        return [(Score("ifd", 1.3 * unit("ifd" + s.response), "fake"),) for s in samples]


class ContentDiversity(DiversityCheck):
    """A diversity from the response's hash; counts what it was asked for."""

    def __init__(self) -> None:
        super().__init__(DiversityCheck.Settings(min=0.3), check_context())
        self.seen: list[str] = []

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        self.seen += [s.sample_id for s in samples]
        return [(Score("diversity", 0.8 * unit("diversity" + s.response), "fake"),) for s in samples]


def sample(number: int, lang: str, instruction: str, response: str) -> Sample:
    return Sample(f"s{number}", f"r{number}", "ward", lang, instruction, response)


letters = st.text("abcd", min_size=1, max_size=7)
streams = st.lists(
    st.tuples(st.sampled_from(["en", "en", "en", "zh"]), st.sampled_from(["a", "b"]), letters), max_size=24
).map(lambda rows: [sample(i, *row) for i, row in enumerate(rows)])
spaces: st.SearchStrategy[Literal["sample", "question"]] = st.sampled_from(["sample", "question"])
with_checks = st.booleans()  # the policy that needs all checks, or the one that needs none


@dataclass
class Desk:
    """An Admission with its parts in view, and a log that grows."""

    admission: Admission
    admitted: AdmittedSamples
    proxy: ContentProxy
    diversity: ContentDiversity
    offset: int = 0

    def decide(self, samples: Sequence[Sample]) -> list[Decision]:
        decisions = self.admission.decide(samples)
        accepted = [d.sample.sample_id for d in decisions if d.accepted]
        self.admission.commit({i: Position(0, self.offset + n) for n, i in enumerate(accepted)})
        self.offset += len(accepted)
        return decisions


def desk(
    selector: Selector | None = None,
    all_scores: bool = False,
    proxy: ContentProxy | None = None,
    space: Literal["sample", "question"] = "sample",
    costs: Sequence[int] = (),
) -> Desk:
    proxy, diversity, admitted = (
        proxy or ContentProxy(),
        ContentDiversity(),
        AdmittedSamples({"sample": ExactIndex(DIMENSION)}),
    )
    admitted.open(space, ExactIndex(DIMENSION))
    context = replace(check_context(LetterEmbedder(), proxy), neighbours=admitted)
    checks: dict[str, Check] = {
        "ifd": IfdCheck(IfdCheck.Settings(), context),
        "language": LanguageCheck(LanguageCheck.Settings(), context),
        "length": LengthCheck(LengthCheck.Settings(min=2, max=6), context),
        "diversity": diversity,
        "novelty": NoveltyCheck(NoveltyCheck.Settings(max_similarity=0.9, space=space), context),
    }
    for check, cost in zip(checks.values(), costs, strict=bool(costs)):
        vars(check)["cost"] = cost
    chosen = selector or policy("thresholds")
    admission = Admission(checks, chosen, admitted, LetterEmbedder(), proxy=proxy, all_scores=all_scores)
    return Desk(admission, admitted, proxy, diversity)


def thresholds_or_all(checked: bool) -> Selector:
    return policy("thresholds" if checked else "accept_all")


def cut(samples: Sequence[Sample], sizes: Sequence[int]) -> Iterator[Sequence[Sample]]:
    rest = list(samples)
    for size in sizes:
        yield rest[:size]
        rest = rest[size:]
    yield rest


@given(streams, st.lists(st.integers(0, 9), max_size=6), with_checks, st.booleans(), spaces)
@settings(max_examples=300, deadline=None)
def test_a_batch_is_decided_as_if_one_by_one(
    stream: list[Sample], sizes: list[int], checked: bool, all_scores: bool, space: Literal["sample", "question"]
) -> None:
    single, batched = (desk(thresholds_or_all(checked), all_scores, space=space) for _ in range(2))
    one_by_one = [d for s in stream for d in single.decide([s])]
    in_batches = [d for batch in cut(stream, sizes) for d in batched.decide(batch)]
    assert in_batches == one_by_one


@given(streams)
@settings(max_examples=200, deadline=None)
def test_no_sample_is_scored_that_would_not_be_one_by_one(stream: list[Sample]) -> None:
    single, batched = desk(), desk()
    for s in stream:
        single.decide([s])
    batched.decide(stream)
    assert sorted(single.proxy.seen) == sorted(batched.proxy.seen)
    assert sorted(single.diversity.seen) == sorted(batched.diversity.seen)


@given(streams, st.permutations(range(5)))
@settings(max_examples=60, deadline=None)
def test_who_is_accepted_does_not_depend_on_the_order_of_the_checks(stream: list[Sample], costs: list[int]) -> None:
    """Only the reason does, that of the first refusal: so much would an order by measured cost change."""
    usual, other = desk().decide(stream), desk(costs=costs).decide(stream)
    assert [d.accepted for d in other] == [d.accepted for d in usual]


@given(streams)
@settings(max_examples=50, deadline=None)
def test_a_policy_that_needs_no_check_has_none_run(stream: list[Sample]) -> None:
    one = desk(policy("accept_all"))
    assert all(decision.scores == () for decision in one.decide(stream))
    assert one.proxy.seen == one.diversity.seen == []


@given(streams, with_checks)
@settings(max_examples=200, deadline=None)
def test_all_scores_change_neither_acceptance_nor_reason(stream: list[Sample], checked: bool) -> None:
    early, full = (desk(thresholds_or_all(checked), all_scores).decide(stream) for all_scores in (False, True))
    assert [(d.accepted, d.reason, d.owner) for d in full] == [(d.accepted, d.reason, d.owner) for d in early]
    for decision in full:
        assert [s.metric for s in decision.scores] == ["language", "length", "novelty", "diversity", "ifd"]


selectors = st.sampled_from([lambda: policy("random", share=0.5), lambda: evenly(0), lambda: evenly(1)])


@given(streams, selectors)
@settings(max_examples=200, deadline=None)
def test_a_batch_passes_the_checks_as_without_a_policy_which_is_then_asked_once(
    stream: list[Sample], make: Callable[[], Selector]
) -> None:
    """In stream order; what it leaves out counts within the batch, and not after it."""
    needs_all = make().policy.needs is None
    checked = desk(thresholds_or_all(needs_all)).decide(stream)
    passed = [Scored(d.sample, d.scores) for d in checked if d.accepted]
    choices = iter(make().policy.choose(passed))
    expected = [next(choices) or "accepted" if d.accepted else d.reason for d in checked]

    one, chosen = desk(selector := make()), selector.kind
    decided = one.decide(stream)
    assert [d.reason for d in decided] == expected
    assert [d.scores for d in decided] == [d.scores for d in checked]
    assert all(d.owner == chosen for d, before in zip(decided, checked, strict=True) if before.accepted)
    assert {d.policy for d in decided} <= {selector.stamp}
    assert sorted(one.admitted.digests().values()) == sorted(d.sample.content_digest for d in decided if d.accepted)


def test_a_copy_of_what_the_policy_leaves_out_is_a_copy_in_its_batch_and_judged_anew_after_it() -> None:
    nothing = policy("random", share=0.0)
    first, copy = sample(0, "en", "a", "abc"), sample(1, "en", "a", "abc")
    one = desk(nothing)
    assert [(d.reason, d.owner) for d in one.decide([first, copy])] == [
        ("not_drawn", "random"),
        ("exact_duplicate", "admission"),
    ]
    assert [d.reason for d in one.decide([copy])] == ["not_drawn"]


def test_who_refuses_is_named() -> None:
    decided = desk().decide([sample(0, "zh", "a", "abc"), sample(1, "en", "a", "a")])
    assert [(d.reason, d.owner) for d in decided] == [("language", "language"), ("too_short", "length")]


@given(streams, streams)
@settings(max_examples=200, deadline=None)
def test_an_aborted_batch_leaves_no_trace(first: list[Sample], second: list[Sample]) -> None:
    aborted, untouched = desk(), desk()
    aborted.decide(first)
    untouched.decide(first)
    assert aborted.admission.decide(second) == aborted_again(aborted, second)
    assert aborted.admitted.digests() == untouched.admitted.digests()
    assert aborted.decide(second) == untouched.decide(second)


def aborted_again(one: Desk, samples: Sequence[Sample]) -> list[Decision]:
    one.admission.abort()
    decisions = one.admission.decide(samples)
    one.admission.abort()
    return decisions


@given(streams)
@settings(max_examples=100, deadline=None)
def test_what_was_read_from_the_topic_equals_what_was_decided(stream: list[Sample]) -> None:
    writer, reader = desk(), desk()
    vectors = {}
    decisions = writer.admission.decide(stream)
    accepted = [d.sample for d in decisions if d.accepted]
    for s in accepted:
        vectors[s.sample_id] = writer.admission.vectors(s.sample_id)
    writer.admission.commit({s.sample_id: Position(1, n) for n, s in enumerate(accepted)})
    for _twice in range(2):
        for n, s in enumerate(accepted):
            reader.admitted.add(s.content_digest, vectors[s.sample_id], Position(1, n))
    assert len(reader.admitted) == len(writer.admitted) == len(accepted)
    assert reader.admitted.digests() == writer.admitted.digests()
    assert reader.decide(stream) == writer.decide(stream)


def test_a_near_copy_of_a_refused_sample_of_the_batch_is_judged_for_itself() -> None:
    # The first is refused by its IFD alone; its anagram has the same vector, another hash, and is accepted.
    responses = ["abcd", "abdc", "acbd", "dcba", "badc", "cdab", "bdca", "dabc"]
    verdicts = {r: desk().decide([sample(0, "en", "a", r)])[0].reason for r in responses}
    refused = next(r for r, reason in verdicts.items() if reason in ("ifd_too_low", "ifd_too_high"))
    accepted = [r for r, reason in verdicts.items() if reason == "accepted"][:1]
    order = [sample(n, "en", "a", r) for n, r in enumerate([refused, *accepted, accepted[0][::-1]])]
    reasons = [d.reason for d in desk().decide(order)]
    assert reasons == [verdicts[refused], "accepted", "not_novel"]


class FailingProxy(ContentProxy):
    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        raise RuntimeError("the device is gone")


def test_a_scorer_that_raises_stages_nothing() -> None:
    one = desk(proxy=FailingProxy())
    with pytest.raises(RuntimeError):
        one.decide([sample(n, "en", "a", response) for n, response in enumerate(("abcd", "aabb", "dcd"))])
    assert len(one.admitted) == 0


class Forgetful(EvenlyPolicy):
    def choose(self, batch: Sequence[Scored]) -> Choices:
        return super().choose(batch)[1:]


def test_a_policy_that_does_not_answer_for_all_is_named() -> None:
    one = desk(Selector(Forgetful(Forgetful.Settings(), PolicyContext(0)), "forgetful", "forgetful"))
    with pytest.raises(ValueError, match="expected 1 choices of the policy 'forgetful', found 0"):
        [one.admission.decide([sample(n, "en", "a", response)]) for n, response in enumerate(("abcd", "aabb", "dcd"))]
    assert len(one.admitted) == 0


def test_the_vector_of_a_pending_sample_is_at_hand_until_the_commit() -> None:
    one = desk(policy("accept_all"))
    one.admission.decide([sample(0, "en", "a", "abc")])
    assert np.array_equal(one.admission.vectors("s0")["sample"], LetterEmbedder().embed(["a\nabc"])[0])
    one.admission.commit({"s0": Position(0, 0)})
    with pytest.raises(KeyError):
        one.admission.vectors("s0")


def test_an_empty_batch_has_no_decisions() -> None:
    assert desk().decide([]) == []
