"""The laws that no crash may break, each a number of breaches that has to be 0."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from itertools import pairwise

from ccit.audit import verify
from ccit.events import VersionPromoted, VersionRolledBack
from ccit.ports import ArtifactStore
from tests.crash.feed import key_of
from tests.crash.ledger import Ledger, plans_in_order


@dataclass(frozen=True, slots=True)
class Breaches:
    """How often each law was broken.

    Parameters
    ----------
    lost : int
        Records without a decision.
    twice : int
        Records with more decisions than messages on `raw`. One is usual; an idempotent producer whose broker is killed
        may write a message twice (librdkafka then takes a new epoch), and the feed is no part of what is tested.
    ingested_twice : int
        Records that are on `records` more often than on `raw`.
    invented : int
        Decisions about records that nobody sent.
    rounds_twice : int
        Samples in more than one round that has an outcome.
    rounds_lost : int
        Samples that the trainer's committed offsets have passed and that no round with an outcome used, or the other
        way round.
    outcomes_twice : int
        Rounds with more than one published outcome.
    plans_dropped : int
        Plans without an outcome that a crash, not a rollback, replaced by another.
    versions_forked : int
        Announcements that are not one line: a sequence or a version number used twice, or a gap.
    audit : int
        Findings of `ccit verify`, which reads every artifact.
    """

    lost: int
    twice: int
    ingested_twice: int
    invented: int
    rounds_twice: int
    rounds_lost: int
    outcomes_twice: int
    plans_dropped: int
    versions_forked: int
    audit: int

    @property
    def total(self) -> int:
        """All of them."""
        return sum(asdict(self).values())

    def __str__(self) -> str:
        return " ".join(f"{name}={count}" for name, count in asdict(self).items())


def judged(
    ledger: Ledger,
    raw: Counter[str],
    ingested: Counter[str],
    records: int,
    used_up_to: dict[int, int],
    artifacts: ArtifactStore,
) -> Breaches:
    """Hold what the topics say against what was sent.

    Parameters
    ----------
    ledger : Ledger
        Caught up.
    raw, ingested : Counter
        How often each record id is on `raw` and on `records`.
    records : int
        How many were fed.
    used_up_to : dict
        The trainer group's committed offset per partition of the samples topic.
    """
    sent = {key_of(number) for number in range(records)}
    used = ledger.used
    passed = {sample for place, sample in ledger.samples.items() if place.offset < used_up_to.get(place.partition, 0)}
    return Breaches(
        lost=len(sent - ledger.decisions.keys()),
        twice=sum(count > raw[record] for record, count in ledger.decisions.items()),
        ingested_twice=sum(count > raw[record] for record, count in ingested.items()),
        invented=len(ledger.decisions.keys() - sent),
        rounds_twice=sum(count > 1 for count in used.values()),
        rounds_lost=len(passed ^ used.keys()),
        outcomes_twice=sum(count > 1 for count in ledger.outcomes.values()),
        plans_dropped=_plans_dropped(ledger),
        versions_forked=_versions_forked(ledger),
        audit=len(verify(ledger.events, artifacts).findings),
    )


def _plans_dropped(ledger: Ledger) -> int:
    """A plan without an outcome may be the last, or be followed by one with another parent (after a rollback)."""
    return sum(
        one.round_id not in ledger.outcomes and one.parent == following.parent
        for one, following in pairwise(plans_in_order(ledger.planned))
    )


def _versions_forked(ledger: Ledger) -> int:
    """Sequences are 1, 2, 3, ..., each with one version; numbers are given out once; each names its predecessor."""
    announced = [e.announcement for e in ledger.events if isinstance(e, VersionPromoted | VersionRolledBack)]
    by_sequence = {(a.sequence, a.kind, a.version.number, a.expected_previous) for a in announced}
    line = sorted(by_sequence)
    forks = sum(sequence != place for place, (sequence, *_) in enumerate(line, 1))
    forks += sum(later[3] != earlier[2] for earlier, later in pairwise(line))
    promoted = [number for _, kind, number, _ in line if kind == "promoted"]
    return forks + sum(number != place for place, number in enumerate(promoted, 1))
