"""The nouns, one meaning each: Record, Sample, Score, Decision, Due, Round, Candidate, Verdict, Version.

Frozen dataclasses over the standard library alone, so that every room may know them and none of them knows a room.
The flow from one to the next is `ccit/pipeline.py`; their form on a topic is `ccit/events.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

DEAD_LETTER_REASONS = (
    "too_large",  # more bytes than ingest.max_bytes
    "empty",  # no value at all (a tombstone or zero bytes)
    "not_json",  # not strict JSON: garbage, broken UTF-8, NaN, lone surrogates, too deep
    "wrong_schema",  # JSON, but a field is missing, of the wrong type or empty
    "unsupported_type",  # a content type that no ingest adapter reads
    "unscorable",  # a scorer failed on this record alone
    "identifying",  # something of the record was still found after masking
    "expired",  # retention deleted these messages before they were read: one letter for a range of offsets
)


def digest_of(value: Any) -> str:
    """SHA-256 (hex) of a JSON-able value in canonical form: sorted keys, no spaces, UTF-8.

    >>> digest_of({"b": 1, "a": "é"}) == digest_of({"a": "é", "b": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier exchange of a conversation."""

    user: str
    assistant: str


@dataclass(frozen=True, slots=True)
class Record:
    """What arrived, untouched.

    Parameters
    ----------
    record_id : str
        Unique in the stream; taken from the source's own id, or derived from the content.
    subject : str
        Pseudonymous subject, the key of the `records` topic; equals `record_id` where there is none.
    source : str
        Who sent it: a data set, a ward, an interface.
    received_at : float
        Seconds since 1970 (UTC), as the broker or the file gave it.
    body : Mapping
        The instruction row: instruction, input, output, lang, meta.
    """

    record_id: str
    subject: str
    source: str
    received_at: float
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """A validated instruction/response pair made from a Record.

    A multi-turn sample is scored and trained on its last response, given the whole history.
    """

    sample_id: str
    record_id: str
    source: str
    lang: str
    instruction: str
    response: str
    history: tuple[Turn, ...] = ()
    group: str = ""
    system: str = ""  # the system turn that goes before the history; empty for none

    @property
    def content_digest(self) -> str:
        """SHA-256 of what is trained on (system turn, history, instruction, response), whoever sent it."""
        turns = [[t.user, t.assistant] for t in self.history]
        return digest_of([turns, self.instruction, self.response, *([self.system] if self.system else [])])

    def messages(self) -> list[dict[str, str]]:
        """The prompt as chat messages (OpenAI's roles), without the response."""
        chat = [{"role": "system", "content": self.system}] if self.system else []
        for turn in self.history:
            chat += [{"role": "user", "content": turn.user}, {"role": "assistant", "content": turn.assistant}]
        return [*chat, {"role": "user", "content": self.instruction}]


@dataclass(frozen=True, slots=True)
class Score:
    """One number about a Sample, or the reason why there is none; never a 0 that stands for a failure.

    Parameters
    ----------
    metric : str
        `length`, `novelty`, `diversity`, `ifd`, `ppl_conditional`, `ppl_direct`.
    value : float | None
        None when unscored.
    scorer : str
        The stamp: formula, template and model version that made the number.
    unscored : str
        Why there is no value, empty when there is one.
    truncated : int
        Tokens that the scorer did not see.
    per_token : tuple[float, ...]
        The number of each response token, for scorers that have one; empty for the others.
    """

    metric: str
    value: float | None
    scorer: str
    unscored: str = ""
    truncated: int = 0
    per_token: tuple[float, ...] = ()


Arm = Literal["policy", "control"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Accept or reject one Sample, with every Score that led there.

    Parameters
    ----------
    reason : str
        `accepted`, or why not: one of the reasons that `owner` declares.
    owner : str
        Who gave the reason: the kind of a check or of the policy; `admission` for copies.
    policy : str
        The stamp of the policy that chose: its kind and a digest of its settings.
    arm : Arm
        `control` for a sample that was drawn by lot before the policy saw it.
    annotations : Mapping[str, str]
        What was found out beside the scores, by name: an identified language, a cause of quarantine.
    """

    sample: Sample
    accepted: bool
    reason: str
    scores: tuple[Score, ...] = ()
    proxy_version: int = 0
    owner: str = ""
    policy: str = ""
    arm: Arm = "policy"
    annotations: Mapping[str, str] = field(default_factory=dict)

    def value(self, metric: str) -> float | None:
        """The value of one metric, None when it was not reached or could not be scored."""
        return next((s.value for s in self.scores if s.metric == metric), None)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a pooled sample lies in the samples topic."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Pooled:
    """An accepted Sample that no round has used yet, with its place in the log and the time it was pooled.

    `decision` holds the scores that let it in, where whoever pooled it knows them.
    """

    sample: Sample
    position: Position
    pooled_at: float
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """Why a round starts now: the kind of the trigger, a sentence, and the numbers behind it by name."""

    trigger: str
    detail: str
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """Offsets `start <= o < end` of one partition of the samples topic."""

    partition: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A pooled sample inside a round's ranges that the planner did not take, with its reason.

    `position` is its place in the samples topic; the manifest says it, the planner need not.
    """

    sample_id: str
    reason: str
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """A frozen manifest from which anyone can rebuild the round. `round_id` is its hash.

    Parameters
    ----------
    ranges : tuple[OffsetRange, ...]
        What of the samples topic the round uses, per partition.
    sample_ids : tuple[str, ...]
        Training part, before the seeded shuffle; `validation_ids` is the other tenth.
    sample_digest : str
        Hash over the contents of the samples.
    parts : Mapping[str, tuple[str, ...]]
        The other parts, by the kind of the source that picked them: sample ids in the order of the pick.
    left_out : tuple[LeftOut, ...]
        What lies in the ranges and is not taken, with the reason.
    planner : str
        The kind of the planner that chose.
    parent : int
        The incumbent's number when the round was planned.
    seed : int
        Drives the split, the shuffles and the adapter's initial weights.
    """

    alias: str
    ranges: tuple[OffsetRange, ...]
    sample_ids: tuple[str, ...]
    validation_ids: tuple[str, ...]
    sample_digest: str
    parts: Mapping[str, tuple[str, ...]]
    parent: int
    base_model: str
    base_revision: str
    proxy_model: str
    proxy_revision: str
    config_digest: str
    code_digest: str
    seed: int
    due: Due
    left_out: tuple[LeftOut, ...] = ()
    planner: str = ""

    @property
    def round_id(self) -> str:
        """SHA-256 of the manifest, its first 16 hex digits. Why it started (`due`) is not part of it."""
        return digest_of(
            [
                self.alias,
                [[r.partition, r.start, r.end] for r in self.ranges],
                list(self.sample_ids),
                list(self.validation_ids),
                self.sample_digest,
                {name: list(ids) for name, ids in self.parts.items()},
                [left.sample_id for left in self.left_out],
                self.parent,
                [self.base_model, self.base_revision, self.proxy_model, self.proxy_revision],
                [self.config_digest, self.code_digest, self.seed],
            ]
        )[:16]


@dataclass(frozen=True, slots=True)
class Material:
    """The texts behind a Round's ids, in the round's order; `parts` by name, as in the Round."""

    training: tuple[Sample, ...]
    validation: tuple[Sample, ...]
    parts: Mapping[str, tuple[Sample, ...]] = field(default_factory=dict)

    @property
    def learnable(self) -> tuple[Sample, ...]:
        """All that is trained on: the round's own training part, then the other parts in order of their names."""
        return tuple(sample for _, sample in self.learnable_by_part)

    @property
    def learnable_by_part(self) -> tuple[tuple[str, Sample], ...]:
        """The same, each with the name of its part; `training` for the round's own."""
        own = (("training", sample) for sample in self.training)
        return (*own, *((name, sample) for name in sorted(self.parts) for sample in self.parts[name]))

    @property
    def counts(self) -> dict[str, int]:
        """Samples per part, the round's own two first."""
        parts = {name: len(self.parts[name]) for name in sorted(self.parts)}
        return {"training": len(self.training), "validation": len(self.validation), **parts}


@dataclass(frozen=True, slots=True)
class Artifact:
    """A set of files in the artifact store, each with its digest.

    Parameters
    ----------
    uri : str
        Where a store finds it (`store://<digest of the file table>`).
    files : Mapping[str, str]
        Relative path -> SHA-256 (hex).
    """

    uri: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AdapterPair:
    """The two adapters that move together: the deployed model's and the proxy's."""

    deployed: Artifact
    proxy: Artifact


@dataclass(frozen=True, slots=True)
class Spend:
    """Tokens and floating-point operations of one activity (2 N per token forward, 6 N with the backward pass;
    Kaplan et al. 2020, arXiv 2001.08361; LoRA's backward pass skips the frozen weights' gradients: 4 N).
    """

    tokens: int = 0
    flops: float = 0.0

    def __add__(self, other: Spend) -> Spend:
        return Spend(self.tokens + other.tokens, self.flops + other.flops)


@dataclass(frozen=True, slots=True)
class Candidate:
    """The adapters one Round produced; not promoted yet."""

    round_id: str
    adapters: AdapterPair
    rank: int
    target_modules: tuple[str, ...]
    losses: Mapping[str, float]
    training: Spend
    seconds: float
    alpha: float = 0.0
    batch_tokens: int = 0  # padded tokens per micro-batch: less than `training.batch_tokens` where memory lacked


@dataclass(frozen=True, slots=True)
class Question:
    """One item of a suite: choose among `choices` by likelihood, or, without choices, answer freely."""

    question_id: str
    group: str
    prompt: str
    answer: str
    choices: tuple[str, ...] = ()


Suites = Mapping[str, tuple[Question, ...]]  # by name; every candidate is judged on all of them
DOMAIN = "domain"  # the suite of what is to be learned: without one, a round's validation part is asked
GENERAL = "general"  # the suite of what must not be forgotten


@dataclass(frozen=True, slots=True)
class GradedAnswer:
    """One question of a suite, as one model answered it."""

    question_id: str
    group: str
    credit: float  # 0 to 1: right or wrong for a choice, the metric's value for free text
    faulty: bool = False  # empty, not finite, or cut by the token limit


@dataclass(frozen=True, slots=True)
class SuiteResults:
    """What one version answered on each suite, and its loss on the round's validation part (nats per token)."""

    answers: Mapping[str, tuple[GradedAnswer, ...]]
    validation_loss: float
    spend: Spend

    def of(self, suite: str) -> tuple[GradedAnswer, ...]:
        """The answers to one suite; none where it was not asked."""
        return tuple(self.answers.get(suite, ()))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A difference in percentage points with its interval."""

    points: float
    low: float
    high: float


Outcome = Literal["promote", "hold", "not_enough_evidence"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one criterion of the gate says: `promote` where it has nothing against it, with one sentence."""

    criterion: str
    outcome: Outcome
    why: str
    estimate: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Promote, hold, or not enough evidence, with the numbers in percentage points and their intervals."""

    outcome: Outcome
    why: str
    gain: Estimate
    forgetting: Estimate
    fault_rate: float
    accuracy: float
    accuracy_by_group: Mapping[str, float]
    general_accuracy: float
    incumbent_accuracy: float
    incumbent_accuracy_by_group: Mapping[str, float]
    incumbent_general_accuracy: float
    validation_loss: float
    incumbent_validation_loss: float
    confidence: float  # of the intervals: 1 minus the error this round may spend
    findings: tuple[Finding, ...] = ()  # of every criterion, in the order of the configuration
    suite_digest: str = ""  # SHA-256 (hex) over every question asked; verdicts of different suites are not compared


@dataclass(frozen=True, slots=True)
class Version:
    """A promoted Candidate: immutable, numbered, with a parent. Number 0 is the base model without an adapter."""

    alias: str
    number: int
    parent: int | None
    round_id: str
    base_model: str
    base_revision: str
    proxy_model: str
    proxy_revision: str
    adapters: AdapterPair | None
    rank: int
    target_modules: tuple[str, ...]
    verdict: Verdict | None
    counts: Mapping[str, int]
    consumed: tuple[OffsetRange, ...]  # all of the samples topic that it and its ancestors were trained on, replay too
    config_digest: str
    code_digest: str
    alpha: float = 0.0


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a model-version event says: this Version is active from now on.

    `sequence` grows by one with each announcement of the alias; `expected_previous` is the compare-and-set.
    """

    kind: Literal["promoted", "rolled_back"]
    version: Version
    sequence: int
    expected_previous: int
    at: float
    traceparent: str = ""


ReplicaState = Literal["loading", "loaded", "active", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class ReplicaReport:
    """What one follower of the version topic loaded, made active or refused, and why."""

    replica_id: str
    role: Literal["serve", "score", "train"]
    state: ReplicaState
    version: int
    sequence: int
    detail: str
    at: float
    spent: Spend = Spend()  # by this process since its start: a scorer's proxy and embedder


@dataclass(frozen=True, slots=True)
class Command:
    """What an operator asks of the trainer."""

    verb: Literal["rollback", "hold", "resume", "round-now"]
    alias: str
    command_id: str
    to: int | None = None
