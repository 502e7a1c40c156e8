"""Admission of a batch: the Decisions of one sample at a time, with the models run on many samples at once.

The same but for rounding: the shape of a batch moved an IFD by up to 1.6e-7 in float32 and 8e-4 in bfloat16, so a
sample that lies that close to a threshold may be decided otherwise in another batch.

The checks, in order, ending at the first refusal:

    language   exact duplicate   length   novelty   diversity   IFD

Only accepted samples are remembered, so a sample depends on an earlier one of its batch in two ways: the earlier one
has the same content, or it is its nearest neighbour; and both count only if the earlier one is accepted. A batch is
therefore decided in waves. A sample joins the wave when no undecided earlier sample can change what the rule says of
its novelty: the rule gives the same answer to the least novelty it may have and to the greatest. The wave goes through
the costly scorers together, what is accepted then counts, and the next wave forms. The first undecided sample can
always join, so there is progress; and no sample is scored that would not have been scored one by one.

This asks two things of a rule: that it refuses a sample more readily the less novel it is, and that diversity and IFD
are refused by their own values. Thresholds do both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ccit.ports import Embedder, ProxyScorer, Rule, Scorer, Vectors
from ccit.records import Decision, Position, Reason, Sample, Score
from ccit.scoring.novelty import novelty_score, novelty_text
from ccit.selection.memory import Memory, Pending
from ccit.vectors import cosines

ORDER = ("length", "novelty", "diversity", "ifd")  # cheapest first; a scorer of another metric runs last


@dataclass(slots=True)
class _Case:
    """One sample on its way to a Decision."""

    sample: Sample
    digest: str
    reason: Reason | None = None  # None while undecided
    refused_cheaply: Reason | None = None  # by length; final unless the sample turns out to be a copy
    row: int = -1  # in the batch's vectors; -1 without one
    found: dict[str, tuple[Score, ...]] = field(default_factory=dict)  # check -> its scores


class _Neighbours:
    """Similarities of a batch: of each row to what was known before, and of the rows to each other.

    A row's place is its sample's place in the stream: smaller rows are earlier samples.
    """

    def __init__(self, vectors: Vectors, memory: Memory) -> None:
        self.vectors = vectors
        self._known = [near[0].similarity if near else -1.0 for near in memory.search(vectors, 1)]
        self._near = cosines(vectors, vectors)

    def similarity(self, row: int, others: Sequence[int]) -> float:
        """Highest cosine of a row to what was known before and to these other rows."""
        known = self._known[row]
        return max(known, float(self._near[row, others].max())) if others else known


class Admission:
    """Decides batches against a Memory.

    Parameters
    ----------
    scorers : Sequence[Scorer]
        Length, diversity, IFD, or fewer; they run in the fixed order `ORDER`. Novelty needs no scorer: every accepted
        sample needs its vector anyway.
    memory : Memory
        What has been accepted so far.
    rule : Rule
        Reads the scores.
    embedder : Embedder
        For novelty; the vectors in `memory` must be of its stamp.
    all_scores : bool
        Put every score on every sample (`ccit assess --all-scores`); acceptance and reasons stay the same.

    Example
    -------
    >>> from ccit.scoring.index import ExactIndex
    >>> from ccit.vectors import quantise
    >>> from ccit.selection.baselines import AcceptAll
    >>> class Letters:
    ...     stamp, dimension = "letters", 26
    ...     def embed(self, texts):
    ...         return quantise([[t.lower().count(chr(97 + i)) for i in range(26)] for t in texts])
    >>> admission = Admission([], Memory(ExactIndex(26)), AcceptAll(), Letters())
    >>> first = Sample("s1", "r1", "ward", "en", "Dose?", "5 mg.")
    >>> again = Sample("s2", "r2", "ward", "en", "Dose?", "5 mg.")
    >>> [str(decision.reason) for decision in admission.decide([first, again])]
    ['accepted', 'exact_duplicate']
    >>> admission.commit({"s1": Position(0, 0)})
    """

    def __init__(
        self,
        scorers: Sequence[Scorer],
        memory: Memory,
        rule: Rule,
        embedder: Embedder,
        *,
        all_scores: bool = False,
    ) -> None:
        rank = {metric: place for place, metric in enumerate(ORDER)}
        ordered = sorted(scorers, key=lambda scorer: rank.get(scorer.metric, len(ORDER)))
        before = sum(rank.get(scorer.metric, len(ORDER)) < rank["novelty"] for scorer in ordered)
        self._cheap, self._costly = ordered[:before], ordered[before:]
        self._checks = [s.metric for s in self._cheap] + ["novelty"] + [s.metric for s in self._costly]
        self._memory = memory
        self._rule = rule
        self._embedder = embedder
        self._all_scores = all_scores

    def decide(self, samples: Sequence[Sample]) -> list[Decision]:
        """Decisions in the samples' order; what is accepted is staged in the memory until `commit` or `abort`.

        When a scorer or the embedder raises, nothing is staged.
        """
        cases = [_Case(sample, sample.content_digest) for sample in samples]
        for case in cases:
            case.reason = self._rule.refuse(case.sample, {})
            if case.reason is None and case.digest in self._memory:
                case.reason = Reason.EXACT_DUPLICATE
        neighbours = self._prepare(cases if self._all_scores else [c for c in cases if c.reason is None])
        while any(case.reason is None for case in cases):
            self._settle(self._wave(cases, neighbours))
        self._complete(cases, neighbours)
        version = max((s.version for s in self._costly if isinstance(s, ProxyScorer)), default=0)
        for case in cases:
            if case.reason is Reason.ACCEPTED:
                self._memory.stage(Pending(case.sample.sample_id, case.digest, neighbours.vectors[case.row]))
        return [self._decision(case, version) for case in cases]

    def commit(self, positions: Mapping[str, Position]) -> None:
        """The batch is in the samples topic, at these places (sample id -> Position)."""
        self._memory.commit(positions)

    def abort(self) -> None:
        """The batch did not reach the samples topic: nothing of it counts."""
        self._memory.abort()

    def vector(self, sample_id: str) -> npt.NDArray[np.float32]:
        """The embedding (d,) of a pending sample, for `SampleAdmitted`; `KeyError` when it is not pending."""
        for pending in self._memory.pending:
            if pending.sample_id == sample_id:
                return pending.vector
        raise KeyError(sample_id)

    @property
    def embedder_stamp(self) -> str:
        """Names the model that made the vectors."""
        return self._embedder.stamp

    def _prepare(self, cases: Sequence[_Case]) -> _Neighbours:
        """Run the cheap checks and embed what passes them (everything, with `all_scores`)."""
        for scorer in self._cheap:
            self._score(scorer, cases)
        for case in cases:
            case.refused_cheaply = self._verdict(case, len(self._cheap))
        reached = [c for c in cases if self._all_scores or c.refused_cheaply is None]
        for row, case in enumerate(reached):
            case.row = row
        vectors = np.zeros((0, self._embedder.dimension), dtype=np.float32)
        if reached:
            vectors = self._embedder.embed([novelty_text(case.sample) for case in reached])
        if self._all_scores:
            for scorer in self._costly:
                self._score(scorer, cases)
        return _Neighbours(vectors, self._memory)

    def _wave(self, cases: Sequence[_Case], neighbours: _Neighbours) -> list[_Case]:
        """Refuse what can be refused now; return what goes on to the costly scorers."""
        wave: list[_Case] = []
        accepted = _Earlier()
        waiting = _Earlier()
        for case in cases:
            if case.reason is Reason.ACCEPTED:
                accepted.add(case)
            if case.reason is not None or case.digest in waiting.digests:
                continue
            if case.digest in accepted.digests:
                self._refuse_copy(case)
            elif case.refused_cheaply is not None:
                case.reason = case.refused_cheaply
            elif self._novelty_is_settled(case, neighbours, accepted.rows, waiting.rows):
                case.reason = self._verdict(case, len(self._cheap) + 1)
                if case.reason is None:
                    wave.append(case)
            if case.reason is None:
                waiting.add(case)
        return wave

    def _novelty_is_settled(
        self, case: _Case, neighbours: _Neighbours, accepted: Sequence[int], waiting: Sequence[int]
    ) -> bool:
        """Whether the rule says the same whichever of the waiting earlier samples are accepted."""
        verdicts = set()
        for others in ([*accepted, *waiting], accepted):  # the least novelty first, so that the known one is kept
            similarity = neighbours.similarity(case.row, others)
            case.found["novelty"] = (novelty_score(similarity, self._embedder.stamp),)
            verdicts.add(self._verdict(case, len(self._cheap) + 1))
        return len(verdicts) == 1

    def _settle(self, wave: Sequence[_Case]) -> None:
        """Take a wave through the costly scorers; what is left is accepted."""
        for place, scorer in enumerate(self._costly, start=len(self._cheap) + 2):
            going = [case for case in wave if case.reason is None]
            if not self._all_scores:
                self._score(scorer, going)
            for case in going:
                case.reason = self._verdict(case, place)
        for case in wave:
            case.reason = case.reason or Reason.ACCEPTED

    def _complete(self, cases: Sequence[_Case], neighbours: _Neighbours) -> None:
        """Now that all is decided, give each novelty its final value: against the earlier samples accepted."""
        accepted: list[int] = []
        for case in cases:
            if "novelty" in case.found or (self._all_scores and case.row >= 0):
                similarity = neighbours.similarity(case.row, accepted)
                case.found["novelty"] = (novelty_score(similarity, self._embedder.stamp),)
            if case.reason is Reason.ACCEPTED:
                accepted.append(case.row)

    def _score(self, scorer: Scorer, cases: Sequence[_Case]) -> None:
        if cases:
            for case, scores in zip(cases, scorer.score([c.sample for c in cases]), strict=True):
                case.found[scorer.metric] = scores

    def _verdict(self, case: _Case, checks: int) -> Reason | None:
        """What the rule says after so many checks."""
        seen = [score for check in self._checks[:checks] for score in case.found.get(check, ())]
        return self._rule.refuse(case.sample, {score.metric: score for score in seen})

    def _refuse_copy(self, case: _Case) -> None:
        case.reason = Reason.EXACT_DUPLICATE
        if not self._all_scores:
            case.found.clear()  # one by one, a copy is refused before anything scores it

    def _decision(self, case: _Case, version: int) -> Decision:
        scores = tuple(score for check in self._checks for score in case.found.get(check, ()))
        reason = case.reason or Reason.ACCEPTED
        return Decision(case.sample, reason is Reason.ACCEPTED, reason, scores, version)


class _Earlier:
    """Digests and rows of the earlier samples of a batch that share a state."""

    def __init__(self) -> None:
        self.digests: set[str] = set()
        self.rows: list[int] = []

    def add(self, case: _Case) -> None:
        self.digests.add(case.digest)
        if case.row >= 0:
            self.rows.append(case.row)
