"""A batch through the checks: the answers of one sample at a time, with the models run on many samples at once.

The same but for rounding: the shape of a batch moved an IFD by up to 1.6e-7 in float32 and 8e-4 in bfloat16, so a
sample that lies that close to a threshold may be decided otherwise in another batch.

A copy is refused before any check. The checks run from the cheapest to the dearest and end at the first refusal; those
that compare with neighbours run together, where the cheapest of them stands.

Only what passes is remembered, so a sample depends on an earlier one of its batch in two ways: the earlier one has the
same content, or it is its nearest neighbour; and both count only if the earlier one passes. A batch is therefore
decided in waves. A sample joins the wave when no undecided earlier sample can change what its neighbour checks say:
they give the same answer to the least novelty it may have and to the greatest, which suffices because they refuse
`low`. The wave goes through the dearer checks together, what passes then counts, and the next wave forms. The first
undecided sample can always join, so there is progress; and no dearer check scores a sample that it would not have
scored one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ccit.errors import ConfigError
from ccit.ports.selection import Check, DerivedCheck, NeighbourCheck, QuarantineCheck
from ccit.ports.vectors import Embedder, Neighbours, Vectors
from ccit.records import Sample, Score
from ccit.scoring.spaces import vectors_in
from ccit.selection.reasons import ADMISSION, EXACT_DUPLICATE
from ccit.vectors import cosines


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason, and the kind of the check that gave it (`admission` for copies)."""

    owner: str
    reason: str


COPY = Refusal(ADMISSION, EXACT_DUPLICATE)


@dataclass(slots=True)
class Case:
    """One sample on its way through the checks: undecided while it has neither passed nor been refused."""

    sample: Sample
    digest: str
    passed: bool = False
    refusal: Refusal | None = None
    refused_cheaply: Refusal | None = None  # final unless the sample turns out to be a copy
    row: int = -1  # in the batch's vectors; -1 without one
    found: dict[str, tuple[Score, ...]] = field(default_factory=dict)  # check -> its scores
    cause: str = ""  # why a refused one is quarantined; empty where it is not

    @property
    def is_open(self) -> bool:
        """Whether it is undecided."""
        return not self.passed and self.refusal is None


class _Similarities:
    """Of each row of a batch to what was accepted before, and of the rows to each other, in one space."""

    def __init__(self, vectors: Vectors, neighbours: Neighbours, space: str) -> None:
        self.vectors = vectors
        self._known = [near[0].similarity if near else -1.0 for near in neighbours.search(vectors, 1, space)]
        self._near = cosines(vectors, vectors)

    def highest(self, row: int, others: Sequence[int]) -> float:
        """The highest cosine of a row to what was known before and to these other rows."""
        return max(self._known[row], float(self._near[row, others].max())) if others else self._known[row]


_Spaces = Mapping[str, _Similarities]


@dataclass(frozen=True, slots=True)
class CheckedBatch:
    """The cases of a batch in its order, and the vectors (n, d) of those that have a row, by space."""

    cases: Sequence[Case]
    vectors: Mapping[str, Vectors]


class Waves:
    """Takes batches through the checks.

    Parameters
    ----------
    checks : Mapping[str, Check]
        By kind.
    deciding : Collection[str]
        The kinds that may refuse; the others only score, and only with `all_scores`.
    all_scores : bool
        Put every score on every sample; who passes, and the reasons, stay the same.

    Raises
    ------
    ConfigError
        A check that compares with neighbours does not refuse `low`.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        deciding: Collection[str],
        neighbours: Neighbours,
        embedder: Embedder,
        *,
        all_scores: bool,
    ) -> None:
        ordered = sorted(checks, key=lambda kind: (checks[kind].cost, kind))
        self._near: dict[str, NeighbourCheck] = {}
        for kind in ordered:
            check = checks[kind]
            if isinstance(check, NeighbourCheck):
                if check.refuses != "low":
                    raise ConfigError(f"the check {kind!r} compares with neighbours, so it must refuse `low`")
                self._near[kind] = check
        begin = ordered.index(next(iter(self._near))) if self._near else 0
        plain = [kind for kind in ordered[begin:] if kind not in self._near]
        self._cheap = {kind: checks[kind] for kind in ordered[:begin]}
        self._dear = {kind: checks[kind] for kind in plain}
        self._order = [*self._cheap, *self._near, *self._dear]
        self._checks = checks
        self._deciding = [kind for kind in self._order if kind in deciding]
        self._neighbours = neighbours
        self._embedder = embedder
        self._all_scores = all_scores

    def answers(self, samples: Sequence[Sample], is_known: Callable[[str], bool]) -> CheckedBatch:
        """Every sample passed or refused; `is_known` says whether a content digest was accepted before."""
        cases = [Case(sample, sample.content_digest) for sample in samples]
        for case in cases:
            if is_known(case.digest):
                case.refusal = COPY
        similarities = self._prepare([case for case in cases if case.is_open or self._all_scores])
        while any(case.is_open for case in cases):
            self._settle(self._wave(cases, similarities))
        self._complete(cases, similarities)
        for case in cases:
            case.cause = self._cause(case)
        return CheckedBatch(cases, {space: found.vectors for space, found in similarities.items()})

    def scores(self, case: Case) -> tuple[Score, ...]:
        """All scores that a case has, in the order of the checks."""
        return tuple(score for kind in self._order for score in case.found.get(kind, ()))

    def _prepare(self, cases: Sequence[Case]) -> _Spaces:
        """Run the cheap checks, and embed what passes them for the neighbour checks."""
        for kind in self._cheap:
            self._score(kind, [case for case in cases if case.refused_cheaply is None or self._all_scores])
            for case in cases:
                case.refused_cheaply = case.refused_cheaply or self._refusal(case, [kind])
        reached = [case for case in cases if self._all_scores or case.refused_cheaply is None] if self._near else []
        for row, case in enumerate(reached):
            case.row = row
        going = [case.sample for case in reached]
        spaces = {check.space for check in self._near.values()}
        vectors = {space: vectors_in(space, going, self._embedder) for space in spaces}
        if self._all_scores:
            for kind in self._dear:
                self._score(kind, cases)
        return {space: _Similarities(found, self._neighbours, space) for space, found in vectors.items()}

    def _wave(self, cases: Sequence[Case], similarities: _Spaces) -> list[Case]:
        """Refuse what can be refused now; return what goes on to the dear checks."""
        wave: list[Case] = []
        passed, waiting = _Earlier(), _Earlier()
        for case in cases:
            if case.passed:
                passed.add(case)
            if not case.is_open or case.digest in waiting.digests:
                continue
            if case.digest in passed.digests:
                self._refuse_copy(case)
            elif case.refused_cheaply is not None:
                case.refusal = case.refused_cheaply
            elif self._is_settled(case, similarities, passed.rows, waiting.rows):
                case.refusal = self._refusal(case, self._near)
                if case.is_open:
                    wave.append(case)
            if case.is_open:
                waiting.add(case)
        return wave

    def _is_settled(self, case: Case, similarities: _Spaces, passed: Sequence[int], waiting: Sequence[int]) -> bool:
        """Whether the neighbour checks say the same whichever of the waiting earlier samples pass."""
        said = set()
        for others in ([*passed, *waiting], passed):  # the least novelty first, so that the known one is kept
            self._compare(case, similarities, others)
            said.add(self._refusal(case, self._near))
        return len(said) <= 1

    def _compare(self, case: Case, similarities: _Spaces, others: Sequence[int]) -> None:
        for kind, check in self._near.items():
            case.found[kind] = check.scored(case.sample, similarities[check.space].highest(case.row, others))

    def _settle(self, wave: Sequence[Case]) -> None:
        """Take a wave through the dear checks; what is left has passed."""
        for kind in self._dear:
            going = [case for case in wave if case.is_open]
            if not self._all_scores:
                self._score(kind, going)
            for case in going:
                case.refusal = self._refusal(case, [kind])
        for case in wave:
            case.passed = case.refusal is None

    def _complete(self, cases: Sequence[Case], similarities: _Spaces) -> None:
        """Now that all is decided, give the neighbour checks their final values: against the earlier that passed."""
        passed: list[int] = []
        for case in cases:
            if case.row >= 0 and (self._all_scores or any(kind in case.found for kind in self._near)):
                self._compare(case, similarities, passed)
            if case.passed and case.row >= 0:
                passed.append(case.row)

    def _cause(self, case: Case) -> str:
        if case.refusal is None or (check := self._checks.get(case.refusal.owner)) is None:
            return ""
        own = _own_score(case, case.refusal.owner, check)
        return check.cause(case.sample, own) if isinstance(check, QuarantineCheck) and own is not None else ""

    def _score(self, kind: str, cases: Sequence[Case]) -> None:
        check = self._checks[kind]
        if isinstance(check, DerivedCheck):
            for case in cases:
                case.found[kind] = check.derived(self.scores(case))
        elif cases:
            for case, scores in zip(cases, check.score([case.sample for case in cases]), strict=True):
                case.found[kind] = scores

    def _refusal(self, case: Case, kinds: Collection[str]) -> Refusal | None:
        """The first of these checks that refuses what it has scored."""
        for kind in self._deciding:
            if kind in kinds:
                check = self._checks[kind]
                own = _own_score(case, kind, check)
                if own is not None and (reason := check.refuse(own)) is not None:
                    return Refusal(kind, reason)
        return None

    def _refuse_copy(self, case: Case) -> None:
        case.refusal = COPY
        if not self._all_scores:
            case.found.clear()  # one by one, a copy is refused before anything scores it


def _own_score(case: Case, kind: str, check: Check) -> Score | None:
    return next((score for score in case.found.get(kind, ()) if score.metric == check.metric), None)


class _Earlier:
    """Digests and rows of the earlier samples of a batch that share a state."""

    def __init__(self) -> None:
        self.digests: set[str] = set()
        self.rows: list[int] = []

    def add(self, case: Case) -> None:
        self.digests.add(case.digest)
        if case.row >= 0:
            self.rows.append(case.row)
