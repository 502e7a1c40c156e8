"""What waits and what a round is made of: Pooled, Due, Round, Material."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ccit.records.samples import Decision, Sample, digest_of


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
