"""Protocols at the seams: what the spine asks of the rooms that know torch, FAISS or a disk.

Each port has one contract test suite in `tests/contract/`, run over every implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from ccit.records import (
    AdapterPair,
    Artifact,
    Candidate,
    Decision,
    Due,
    Finding,
    LeftOut,
    Material,
    Pooled,
    Position,
    Question,
    Record,
    Round,
    Sample,
    Score,
    Spend,
    SuiteResults,
    Suites,
    Version,
)

Vectors = npt.NDArray[np.float32]  # (n, d), rows of unit length
Progress = Callable[[str, int, int], None]  # stage, done, total


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


class Embedder(Protocol):
    """Sentence embeddings."""

    @property
    def stamp(self) -> str:
        """Names the model and its digest; vectors of different stamps are never compared."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def spent(self) -> Spend:
        """Tokens and FLOPs since the start."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, d), rounded to float16 precision, so that an event carries a vector's own bits.

        The same text embedded again, in a batch of another shape or on another machine, gives a vector that is near and
        not equal: a component moves by one rounding step of float16 at most, a cosine by less than 1e-4 (6e-5 and
        1.2e-5 were seen). Whoever needs the vector that a decision was made with keeps it; nobody embeds it again.
        """


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A sample near another: where it lies in the samples topic, None before it is there, and the cosine to it."""

    position: Position | None
    similarity: float


class SampleIndex(Protocol):
    """Nearest neighbours by cosine among everything pooled or trained, in one space of vectors."""

    @property
    def positions(self) -> Sequence[Position]:
        """Where each row's sample lies in the log, in the order of `vectors`."""

    def vectors(self) -> Vectors:
        """All rows (n, d), as they were added."""

    def add(self, vectors: Vectors, positions: Sequence[Position]) -> None:
        """Add vectors (n, d); a position that is already there is skipped."""

    def search(self, vectors: Vectors, k: int) -> list[tuple[Neighbour, ...]]:
        """The k nearest of each row (n, d), the most similar first, equally similar ones in the order of their places;
        fewer where the index holds fewer.
        """

    def retain(self, keep: Callable[[Position], bool]) -> None:
        """Drop what `keep` refuses (a rollback undoes the rounds that a version was trained on)."""

    def __len__(self) -> int: ...


class Neighbours(Protocol):
    """What a new sample is near to, among everything accepted so far."""

    def search(self, vectors: Vectors, k: int, space: str = "sample") -> list[tuple[Neighbour, ...]]:
        """As `SampleIndex.search` in one space; what is accepted but not in the log yet counts too, and has no place.

        The spaces are those of `ccit/scoring/spaces.py` that a check asks for, and `sample`.
        """


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What every check may use.

    Parameters
    ----------
    proxy : Callable[[int, int], ProxyScorer]
        Gives the scorer that reads the proxy model and follows its versions, for a window (tokens) and a batch (padded
        tokens per forward pass). The model is loaded at the first call.
    count_tokens : Callable[[str], int]
        Tokens of a text by the proxy's tokenizer, whose name `tokenizer` gives.
    seed : int
        The only source of randomness.
    """

    embedder: Embedder
    neighbours: Neighbours
    proxy: Callable[[int, int], ProxyScorer]
    count_tokens: Callable[[str], int]
    tokenizer: Callable[[], str]
    seed: int


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

    def scored(self, similarity: float) -> tuple[Score, ...]:
        """The Scores for the highest cosine to anything accepted; -1 where there is nothing."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A sample that every check let pass, with its Scores."""

    sample: Sample
    scores: tuple[Score, ...]

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
    learnt and not that it was decided, so it leaves the state as it is.
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


@dataclass(frozen=True, slots=True)
class TriggerContext:
    """What every trigger may know: the samples of a full round, and those without which no round starts."""

    size: int
    min_size: int


class Trigger(Protocol):
    """Says when a round starts."""

    @property
    def whole_pool(self) -> bool:
        """Whether its round takes whatever waits, so that all of that is read from the log before it is asked."""

    def observe(self, decisions: Sequence[Decision]) -> None:
        """See what was decided since the last call; the trainer sees accepted samples alone."""

    def due(self, pool: Sequence[Pooled], now: float) -> Due | None:
        """Why a round starts now, or None. `now` is in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class PlannerContext:
    """What every planner may know: the samples of a full round, `rounds.seed`, and who scores anew.

    `proxy` scores with the incumbent's proxy adapter; None in the trainer, whose process loads no model: a planner that
    cannot do without it raises `ConfigError` when it is made.
    """

    size: int
    seed: int
    proxy: Scorer | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What a planner makes of the pool.

    Parameters
    ----------
    planner : str
        Its kind.
    considered : int
        How many of the waiting samples the round uses up, the oldest first: 1 to all. Always the oldest, because a
        round moves the offsets of a topic, which has no holes.
    left_out : tuple[LeftOut, ...]
        Those of them that it does not take, with reasons; it takes all others, and at least one.
    """

    planner: str
    considered: int
    left_out: tuple[LeftOut, ...] = ()


class Planner(Protocol):
    """Chooses what of the pool a round takes. The same pool gives the same choice."""

    def choose(self, pool: Sequence[Pooled]) -> Choice:
        """What of the waiting samples, the oldest first, the next round is made of; there is at least one."""


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What every source may know: `rounds.seed`, and how the samples of a file are read (`rows(path)`)."""

    seed: int
    rows: Callable[[str], Sequence[Sample]]


@dataclass(frozen=True, slots=True)
class Draft:
    """A round in the making, as a source sees it.

    Parameters
    ----------
    training : Sequence[Sample]
        Its own training part.
    history : Sequence[Sample]
        Samples of earlier rounds that may be used again.
    salt : str
        Differs from round to round, and is the same when a round is planned again.
    """

    training: Sequence[Sample]
    history: Sequence[Sample]
    salt: str


class Source(Protocol):
    """Picks one named part of a round."""

    def pick(self, draft: Draft) -> Sequence[Sample]:
        """The samples of the part in the order of the pick; the same draft gives the same pick."""

    def texts(self, ids: Sequence[str], history: Sequence[Sample]) -> Sequence[Sample]:
        """The samples that were picked under these ids, perhaps by an earlier process; `KeyError` for what is gone."""


@dataclass(frozen=True, slots=True)
class BatcherContext:
    """What every batcher may know: how many tokens a micro-batch has at most, padding included."""

    budget: int


class Batcher(Protocol):
    """Puts the samples of an optimiser step into micro-batches. Pure."""

    def batches(self, lengths: Sequence[int]) -> list[list[int]]:
        """Numbers of samples, by micro-batch: each once; a sample longer than the budget is alone."""


Tensors = Mapping[str, Any]  # name -> torch.Tensor; torch is not known here


@dataclass(frozen=True, slots=True)
class MethodContext:
    """What every training method may know when it is made: whose adapter it works on, and the round's seed."""

    role: Literal["deployed", "proxy"]
    seed: int


@dataclass(frozen=True, slots=True)
class Example:
    """A sample that is trained on, the part of the round that it belongs to, and its tokens.

    `part` is `training` or the kind of a source; `row` is a `ccit.models.encoding.Encoded`.
    """

    sample: Sample
    part: str
    row: Any


@dataclass(frozen=True, slots=True)
class TrainingStart:
    """What a method sees before the first step of one adapter, and again when a killed round is taken up.

    Parameters
    ----------
    model : Any
        The `ccit.models.causal.CausalModel` that is trained.
    weights : Tensors
        Its trainable weights, the incumbent's; they change in place with each step.
    examples : Sequence[Example]
        All that is trained on.
    files : Mapping[str, bytes]
        What this method's `finish` left with the parent version; empty where it left nothing.
    """

    model: Any
    weights: Tensors
    examples: Sequence[Example]
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """What is computed at once: its examples, their losses (N,) in nats per response token, and its share of the step.

    The shares of a step's micro-batches add up to 1: whatever a method adds is weighted by them, or the result would
    depend on `training.batch_tokens`.
    """

    examples: Sequence[Example]
    losses: Any
    share: float


class Method(Protocol):
    """Changes how a round is trained: hooks, of which one overrides what it needs. One object works on one adapter."""

    def examples(self, examples: Sequence[Example]) -> Sequence[Example]:
        """What is trained on instead; pure, called first. At least one is left."""
        return examples

    def prepare(self, start: TrainingStart) -> None:
        """Called once before the first step; draws of torch's generator are seeded, here and in every step."""
        return

    def loss(self, loss: Any, batch: MicroBatch) -> Any:
        """The micro-batch's part of the step's loss, a scalar tensor; its gradient is taken next."""
        return loss

    def after_backward(self) -> None:
        """The step's gradients are whole (`weights[name].grad`) and not clipped yet."""
        return

    def after_step(self) -> None:
        """The optimiser has changed the weights."""
        return

    def adapter(self, weights: Tensors) -> Tensors:
        """The weights that become the candidate's, after the last step; those that are given are not changed."""
        return weights

    def finish(self) -> Mapping[str, bytes]:
        """Files that travel with the version, by plain name; the next round's `prepare` gets them back."""
        return {}

    def state(self) -> Tensors:
        """What a checkpoint must hold, so that a killed round ends as if it had not been."""
        return {}

    def load_state(self, state: Tensors) -> None:
        """Take up a checkpoint's state; called after `prepare`, with tensors on the model's device."""
        return


class Trainer(Protocol):
    """Trains a round's two adapters, starting from the parent version's."""

    def train(self, planned: Round, material: Material, parent: Version, progress: Progress) -> Candidate:
        """Same round, material and parent: same bytes on the same machine. Raises `TrainingFailed`."""


class Evaluator(Protocol):
    """Lets one version answer the suites."""

    def evaluate(
        self, adapters: AdapterPair | None, suites: Suites, validation: Sequence[Sample], progress: Progress
    ) -> SuiteResults:
        """Answers of each suite in its order; `adapters=None` asks the base model."""


@dataclass(frozen=True, slots=True)
class MetricContext:
    """What every metric may know: how many tokens a free answer may have."""

    max_new_tokens: int


@dataclass(frozen=True, slots=True)
class Grade:
    """What a free answer earned, 0 to 1, and whether it is of no use at all."""

    credit: float
    faulty: bool = False


class Metric(Protocol):
    """Grades a free answer. Pure; a choice is graded by likelihood alone."""

    def grade(self, question: Question, answer: str) -> Grade:
        """Compare an answer with the question's own; one that is empty or was cut is faulty whatever it earns here."""


@dataclass(frozen=True, slots=True)
class CriterionContext:
    """What every criterion of the gate may know: the names of the suites that are asked."""

    suites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the gate judges a candidate by: three versions' answers to the same questions.

    Parameters
    ----------
    candidate, incumbent : SuiteResults
        Both answered every suite.
    baseline : SuiteResults
        Answers of the version that a line of versions is measured from (version 0, or the one that is registered) to
        the suites that stay the same from round to round.
    incumbent_number, baseline_number : int
        Which versions these are.
    round_number : int
        Candidates judged since the last promotion, this one included.
    confidence : float
        Of the two-sided interval that speaks for promotion: each tail is what this round may spend on promoting.
    hold_confidence : float
        Of the wider one that speaks for holding: the same, divided among all tests that may hold.
    """

    candidate: SuiteResults
    incumbent: SuiteResults
    baseline: SuiteResults
    incumbent_number: int
    baseline_number: int
    round_number: int
    confidence: float
    hold_confidence: float


class Criterion(Protocol):
    """One thing that a candidate must satisfy to be promoted."""

    @property
    def tests(self) -> int:
        """How many tests of it may hold a candidate by chance: the error of holding is divided among all of them."""

    def finding(self, evidence: Evidence) -> Finding:
        """`promote` where it has nothing against the candidate; pure."""


class ArtifactStore(Protocol):
    """Content-addressed files. Nothing is handed out before its digest has been checked."""

    def put(self, directory: Path) -> Artifact:
        """Store every file below a directory, durably, and name it by digest. Idempotent."""

    def put_files(self, contents: Mapping[str, bytes]) -> Artifact:
        """As `put`, from memory: relative path -> bytes."""

    def read(self, artifact: Artifact) -> Mapping[str, bytes]:
        """Relative path -> bytes, each checked. Raises `ArtifactDamaged`."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a request wants its tokens drawn.

    Parameters
    ----------
    max_tokens : int
        Tokens at most, at least 1.
    temperature : float
        0 takes the likeliest token; OpenAI's range is 0 to 2.
    top_p : float
        Draw from the smallest set of tokens that holds this probability, (0, 1].
    seed : int | None
        Equal seeds give equal answers of one version on one machine; None draws a fresh one.
    stop : tuple[str, ...]
        Texts at which to stop; they are not part of the answer.
    """

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delta:
    """What one token added.

    Parameters
    ----------
    text : str
        New text, often empty (half a character, or a possible stop text).
    tokens : int
        Tokens made so far.
    finish : str | None
        On the last one: `stop` (end of answer or stop text) or `length` (token limit).
    """

    text: str
    tokens: int
    finish: Literal["stop", "length"] | None = None


@dataclass(frozen=True, slots=True)
class BackendContext:
    """What every backend may use: `load` gives the base model (`ccit.models.causal.CausalModel`) when it is called."""

    load: Callable[[], Any]


class Backend(Protocol):
    """Runs the versions that are served. Which one is active, and who uses which, is not its concern.

    Every method may be called from any thread. Version 0 is the base model, held from the start.
    """

    @property
    def tokenizer(self) -> Any:
        """Of the base model."""

    @property
    def vocabulary(self) -> int:
        """Token ids are below this."""

    @property
    def context_length(self) -> int:
        """Positions of prompt and answer together."""

    def load(self, version: int, files: Mapping[str, bytes] | None) -> None:
        """Take a version in and try it out; None for one without an adapter.

        Raises `ModelUnusable`; everything is as it was then.
        """

    def unload(self, version: int) -> None:
        """Let a version go that nobody uses."""

    def stream(
        self, version: int, prompt: Sequence[int], sampling: Sampling, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[Delta]:
        """The answer of one version to a prompt of token ids; the last Delta has a `finish`, unless it was cancelled.

        Raises `ModelUnusable` where its numbers are not finite.
        """


@dataclass(frozen=True, slots=True)
class RawMessage:
    """One message of `raw`: its content type (lower case, without parameters, empty for none), its bytes, its time.

    `received_at` is in seconds since 1970.
    """

    content_type: str
    value: bytes | None
    received_at: float


@dataclass(frozen=True, slots=True)
class ReaderContext:
    """What every reader may know: the largest message in bytes."""

    max_bytes: int


class Reader(Protocol):
    """Turns one message into any number of records.

    Readers are asked in the order of their kinds, those with `fallback` last; the first that accepts a message is the
    one that reads it.
    """

    @property
    def fallback(self) -> bool:
        """Whether it takes what no other reader wanted."""

    def accepts(self, content_type: str, head: bytes) -> bool:
        """Whether a message of this type with these first bytes (at most 64) is for this reader."""

    def records(self, message: RawMessage) -> Iterable[Record]:
        """The message's records, in order; the same message gives the same records.

        Raises `InputError` where it cannot be read; then the whole message is one dead letter.
        """
