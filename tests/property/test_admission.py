"""The law of admission: a batch is decided as if one sample at a time, wherever the batches end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.config import Selection
from ccit.ports import Rule, Scorer, Vectors
from ccit.records import Decision, Position, Reason, Sample, Score, Spend
from ccit.scoring.index import ExactIndex
from ccit.scoring.length import LengthScorer
from ccit.selection.admission import Admission
from ccit.selection.baselines import AcceptAll, RandomAtEqualTokens
from ccit.selection.memory import Memory
from ccit.selection.thresholds import PaperThresholds
from ccit.vectors import quantise

DIMENSION = 4
RULE = PaperThresholds(Selection(min_length=2, max_length=6, max_similarity=0.9, min_diversity=0.3))


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


@dataclass
class ContentScorer:
    """A value from the response's hash; counts how many samples it was asked for."""

    metric: str
    scale: float
    asked: int = 0
    seen: list[str] = field(default_factory=list)

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        self.asked += len(samples)
        self.seen += [s.sample_id for s in samples]
        return [(Score(self.metric, self.scale * unit(self.metric + s.response), "fake"),) for s in samples]


def sample(number: int, lang: str, instruction: str, response: str) -> Sample:
    return Sample(f"s{number}", f"r{number}", "ward", lang, instruction, response)


letters = st.text("abcd", min_size=1, max_size=7)
streams = st.lists(
    st.tuples(st.sampled_from(["en", "en", "en", "zh"]), st.sampled_from(["a", "b"]), letters), max_size=24
).map(lambda rows: [sample(i, *row) for i, row in enumerate(rows)])
rules = st.sampled_from([RULE, AcceptAll(), RandomAtEqualTokens(0.5, seed=3)])


@dataclass
class Desk:
    """An Admission with its parts in view, and a log that grows."""

    admission: Admission
    memory: Memory
    scorers: list[Scorer]
    offset: int = 0

    def decide(self, samples: Sequence[Sample]) -> list[Decision]:
        decisions = self.admission.decide(samples)
        accepted = [d.sample.sample_id for d in decisions if d.accepted]
        self.admission.commit({i: Position(0, self.offset + n) for n, i in enumerate(accepted)})
        self.offset += len(accepted)
        return decisions


def desk(rule: Rule, all_scores: bool = False) -> Desk:
    scorers: list[Scorer] = [ContentScorer("ifd", 1.3), LengthScorer("characters"), ContentScorer("diversity", 0.8)]
    memory = Memory(ExactIndex(DIMENSION))
    return Desk(Admission(scorers, memory, rule, LetterEmbedder(), all_scores=all_scores), memory, scorers)


def cut(samples: Sequence[Sample], sizes: Sequence[int]) -> Iterator[Sequence[Sample]]:
    rest = list(samples)
    for size in sizes:
        yield rest[:size]
        rest = rest[size:]
    yield rest


@given(streams, st.lists(st.integers(0, 9), max_size=6), rules, st.booleans())
@settings(max_examples=300, deadline=None)
def test_a_batch_is_decided_as_if_one_by_one(
    stream: list[Sample], sizes: list[int], rule: Rule, all_scores: bool
) -> None:
    single, batched = desk(rule, all_scores), desk(rule, all_scores)
    one_by_one = [d for s in stream for d in single.decide([s])]
    in_batches = [d for batch in cut(stream, sizes) for d in batched.decide(batch)]
    assert in_batches == one_by_one


@given(streams, rules)
@settings(max_examples=200, deadline=None)
def test_no_sample_is_scored_that_would_not_be_one_by_one(stream: list[Sample], rule: Rule) -> None:
    single, batched = desk(rule), desk(rule)
    for s in stream:
        single.decide([s])
    batched.decide(stream)
    for one, many in zip(single.scorers, batched.scorers, strict=True):
        if isinstance(one, ContentScorer) and isinstance(many, ContentScorer):
            assert sorted(one.seen) == sorted(many.seen)


@given(streams, rules)
@settings(max_examples=200, deadline=None)
def test_all_scores_change_neither_acceptance_nor_reason(stream: list[Sample], rule: Rule) -> None:
    early, full = desk(rule).decide(stream), desk(rule, all_scores=True).decide(stream)
    assert [(d.accepted, d.reason) for d in full] == [(d.accepted, d.reason) for d in early]
    for decision in full:
        assert [s.metric for s in decision.scores] == ["length", "novelty", "diversity", "ifd"]


@given(streams, streams)
@settings(max_examples=200, deadline=None)
def test_an_aborted_batch_leaves_no_trace(first: list[Sample], second: list[Sample]) -> None:
    aborted, untouched = desk(RULE), desk(RULE)
    aborted.decide(first)
    untouched.decide(first)
    assert aborted.admission.decide(second) == aborted_again(aborted, second)
    assert aborted.memory.digests() == untouched.memory.digests()
    assert aborted.decide(second) == untouched.decide(second)


def aborted_again(one: Desk, samples: Sequence[Sample]) -> list[Decision]:
    one.admission.abort()
    decisions = one.admission.decide(samples)
    one.admission.abort()
    return decisions


@given(streams)
@settings(max_examples=100, deadline=None)
def test_what_was_learnt_from_the_topic_equals_what_was_decided(stream: list[Sample]) -> None:
    writer, reader = desk(RULE), desk(RULE)
    vectors = {}
    decisions = writer.admission.decide(stream)
    accepted = [d.sample for d in decisions if d.accepted]
    for s in accepted:
        vectors[s.sample_id] = writer.admission.vector(s.sample_id)
    writer.admission.commit({s.sample_id: Position(1, n) for n, s in enumerate(accepted)})
    for _twice in range(2):
        for n, s in enumerate(accepted):
            reader.memory.learn(s.content_digest, vectors[s.sample_id], Position(1, n))
    assert len(reader.memory) == len(writer.memory) == len(accepted)
    assert reader.memory.digests() == writer.memory.digests()
    assert reader.decide(stream) == writer.decide(stream)


def test_a_near_copy_of_a_refused_sample_of_the_batch_is_judged_for_itself() -> None:
    # The first is refused by its IFD alone; its anagram has the same vector, another hash, and is accepted.
    responses = ["abcd", "abdc", "acbd", "dcba", "badc", "cdab", "bdca", "dabc"]
    verdicts = {r: desk(RULE).decide([sample(0, "en", "a", r)])[0].reason for r in responses}
    refused = next(r for r, reason in verdicts.items() if reason in (Reason.IFD_TOO_LOW, Reason.IFD_TOO_HIGH))
    accepted = [r for r, reason in verdicts.items() if reason is Reason.ACCEPTED][:1]
    order = [sample(n, "en", "a", r) for n, r in enumerate([refused, *accepted, accepted[0][::-1]])]
    reasons = [d.reason for d in desk(RULE).decide(order)]
    assert reasons == [verdicts[refused], Reason.ACCEPTED, Reason.NOT_NOVEL]


class FailingScorer(ContentScorer):
    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        raise RuntimeError("the device is gone")


def test_a_scorer_that_raises_stages_nothing() -> None:
    memory = Memory(ExactIndex(DIMENSION))
    admission = Admission([FailingScorer("ifd", 1.0)], memory, AcceptAll(), LetterEmbedder())
    with pytest.raises(RuntimeError):
        admission.decide([sample(0, "en", "a", "abc")])
    assert len(memory) == 0


def test_the_vector_of_a_pending_sample_is_at_hand_until_the_commit() -> None:
    one = desk(AcceptAll())
    one.admission.decide([sample(0, "en", "a", "abc")])
    assert np.array_equal(one.admission.vector("s0"), LetterEmbedder().embed(["a\nabc"])[0])
    one.admission.commit({"s0": Position(0, 0)})
    with pytest.raises(KeyError):
        one.admission.vector("s0")


def test_an_empty_batch_has_no_decisions() -> None:
    assert desk(RULE).decide([]) == []
