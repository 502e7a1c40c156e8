"""What scores samples, and what chooses among them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from ccit.ports.vectors import Embedder, Neighbours
from ccit.records import Decision, Sample, Score, Spend, Version


class Scorer(Protocol):
    """Puts numbers on Samples, a batch at a time.

    `score` returns one tuple of Scores per sample, in order. A sample that cannot be scored gets an unscored Score;
    it never makes the others fail.
    """

    @property
    def metric(self) -> str:
        """The metric that the rule reads after this scorer ran."""

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """Score a batch; a sample's result depends on its neighbours in the batch by rounding alone.

        A padded batch of another shape sums in another order: that moved an IFD by up to 1.6e-7 in float32 and 8e-4 in
        bfloat16.
        """


@runtime_checkable
class ProxyScorer(Scorer, Protocol):
    """A Scorer that runs a language model and follows its versions."""

    def activate(self, version: Version) -> None:
        """Score with this version's proxy adapter from the next batch on.

        Raises `ArtifactDamaged` or `ModelUnusable`; the version active so far then goes on scoring.
        """

    @property
    def version(self) -> int:
        """Number of the version that scores now."""

    @property
    def spent(self) -> Spend:
        """Tokens and FLOPs since the start."""


Formula = Literal["perplexities", "losses", "weighted"]
"""What an IFD is the ratio of; a threshold for the one does not fit another."""


def _all_seen(texts: Sequence[str]) -> Sequence[int]:
    return [0] * len(texts)


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What every check may use.

    Parameters
    ----------
    proxy : Callable[[int, int, Formula], ProxyScorer]
        Gives the scorer that reads the proxy model and follows its versions, for a window (tokens), a batch (padded
        tokens per forward pass) and a formula. The model is loaded at the first call.
    count_tokens : Callable[[str], int]
        Tokens of a text by the proxy's tokenizer, whose name `tokenizer` gives.
    seed : int
        The only source of randomness.
    languages : Collection[str]
        Those that the embedder knows, as primary subtags of BCP 47; empty for all. On others its numbers mean nothing.
    unseen : Callable[[Sequence[str]], Sequence[int]]
        Of each text, the tokens that the embedder does not see.
    """

    embedder: Embedder
    neighbours: Neighbours
    proxy: Callable[[int, int, Formula], ProxyScorer]
    count_tokens: Callable[[str], int]
    tokenizer: Callable[[], str]
    seed: int
    languages: Collection[str] = ()
    unseen: Callable[[Sequence[str]], Sequence[int]] = _all_seen


Refuses = Literal["low", "high", "outside", ""]


Reasons = Mapping[str, tuple[str, str]]  # reason -> its label and its meaning, for the report and the documentation


class Check(Scorer, Protocol):
    """Scores samples, and refuses one by its own score alone.

    Pure: equal samples and equal neighbours give equal Scores, up to rounding (see `Scorer`).
    """

    @property
    def cost(self) -> float:
        """Of one sample, by which the checks are ordered, the cheapest first: about 0 where a field is read, 1 where a
        text is counted, 10 where it is embedded, 20 where its sentences are, 100 where the proxy reads it.
        """

    @property
    def refuses(self) -> Refuses:
        """How refusing follows the value: what is below (`low`), above (`high`) or `outside` bounds; empty: neither.

        It is a promise: where `low` is said, a refused value is refused for the same reason when it is lower.
        """

    @property
    def reasons(self) -> Reasons:
        """Every reason it refuses for, beside `unscored`."""

    def refuse(self, score: Score) -> str | None:
        """The reason why its own metric's Score refuses a sample, or None. A value that is missing is refused as
        `unscored`, unless the check says why it may be."""


@runtime_checkable
class NeighbourCheck(Check, Protocol):
    """A Check whose score follows from the similarity to the nearest accepted sample, and falls with it.

    It must refuse `low`: in a batch, samples are held back as long as an undecided earlier one can change the answer.
    """

    @property
    def space(self) -> str:
        """Which text of two samples is compared: one of `ccit/scoring/spaces.py`."""

    def scored(self, sample: Sample, similarity: float) -> tuple[Score, ...]:
        """The Scores of a sample for its highest cosine to anything accepted; -1 where there is nothing."""


@runtime_checkable
class EvidenceCheck(Check, Protocol):
    """A Check that judges a sample by what was accepted before its batch.

    Samples of one batch are no evidence for or against each other: what came in together may come from one hand. So
    such a score depends on where a batch begins, which a NeighbourCheck's does not.
    """

    @property
    def spaces(self) -> tuple[str, ...]:
        """The spaces in which accepted samples are kept for it."""


@runtime_checkable
class DerivedCheck(Check, Protocol):
    """A Check that combines what others have measured on a sample. It costs more than they, so it comes after them.

    `score` has nothing to combine: its Scores are unscored.
    """

    def derived(self, scores: Sequence[Score]) -> tuple[Score, ...]:
        """Its Scores, from those that the sample has so far."""


@runtime_checkable
class QuarantineCheck(Check, Protocol):
    """A Check that keeps some of what it refuses for a person to look at, with a cause.

    The decision carries the cause as its annotation `quarantine`; `ccit quarantine` lists and releases what is there.
    """

    @property
    def causes(self) -> Mapping[str, str]:
        """Every cause that it gives -> what it means."""

    def cause(self, sample: Sample, score: Score) -> str:
        """The cause for a sample that this Score of its own metric refuses; empty where it is refused and no more."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A sample that every check let pass, with its Scores and the number of the version whose proxy made them."""

    sample: Sample
    scores: tuple[Score, ...]
    proxy_version: int = 0

    def value(self, metric: str) -> float | None:
        """The value of one metric, None where there is none."""
        return next((score.value for score in self.scores if score.metric == metric), None)


Choices = Sequence[str | None]  # per sample: None takes it, a reason leaves it out


@dataclass(frozen=True, slots=True)
class PolicyContext:
    """What every policy may use: `seed` is the only source of randomness."""

    seed: int


class Policy(Protocol):
    """Chooses among the samples that passed the checks; asked once per batch.

    A policy may have a state. It survives what the novelty index survives, because it comes from the same log:

        choose     a batch is to be decided: what is chosen counts from here on, for now
        commit     what was chosen since the last commit is in the log: it stays
        abort      it did not reach the log: the state is as if it had never been chosen
        observe    accepted samples that others wrote, or that are read again after a restart
        snapshot   the committed state, for a file; `restore` takes it back, into a policy that is new

    The state follows from the set of accepted samples in the log: `choose` and `commit` leave the state that `observe`
    leaves for the same accepted samples, in whatever order. It counts what was decided; a rollback undoes what was
    trained and not that it was decided, so it leaves the state as it is.

    Nothing that was refused may change a state: nobody hears of it after a restart, nor when its partition goes to
    another scorer. A policy that has to know what the stream is like, refused samples included, accepts some by lot,
    whatever their scores, and counts those (`ccit/selection/reference.py`).
    """

    @property
    def needs(self) -> tuple[str, ...] | None:
        """The metrics whose checks run, and may refuse, before it is asked; None for all that are configured."""

    @property
    def stateful(self) -> bool:
        """Whether its choices depend on what was chosen before."""

    @property
    def reasons(self) -> Reasons:
        """Every reason it leaves a sample out for."""

    def choose(self, batch: Sequence[Scored]) -> Choices:
        """What to take of a batch, in stream order; one answer per sample."""

    def observe(self, decisions: Sequence[Decision]) -> None:
        """Count in accepted samples that are in the log and were not chosen here."""

    def commit(self) -> None:
        """What was chosen is in the log."""

    def abort(self) -> None:
        """What was chosen since the last commit did not reach the log."""

    def snapshot(self) -> Mapping[str, Any]:
        """The committed state as JSON; equal states give equal snapshots."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `snapshot` gave. Raises `ValueError` for what it did not give, and is
        as it was then.
        """
