"""Checking the whole line from first to last: digests, parent links, audit entries. Pure but for the store it reads.

What is checked, one finding per breach:

1. every manifest's `round_id` is the hash of what it says;
2. every round has at most one outcome, and no sample of the log lies in two rounds that have one;
3. every version names a round that was planned, trained and judged `promote`, with the same adapters;
4. every version's parent exists and is the version its round was planned on; numbers are used once;
5. every announcement expected the version that was active before it (as far as compaction has kept them);
6. every file of every artifact has the digest that was announced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from ccit.errors import ArtifactDamaged, StorageFailed
from ccit.events import (
    CandidateJudged,
    CandidateTrained,
    Event,
    RoundPlanned,
    VersionPromoted,
    VersionRolledBack,
)
from ccit.ports.store import ArtifactStore
from ccit.records import Announcement, Candidate, OffsetRange, Round, Version


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One breach: where, and what was expected and found."""

    subject: str
    detail: str


@dataclass(slots=True)
class Audit:
    """What `verify` looked at, and what it found."""

    rounds: int = 0
    versions: int = 0
    announcements: int = 0
    files: int = 0
    findings: list[AuditFinding] = field(default_factory=list)


@dataclass(slots=True)
class _Log:
    planned: dict[str, Round] = field(default_factory=dict)
    trained: dict[str, Candidate] = field(default_factory=dict)
    judged: dict[str, list[CandidateJudged]] = field(default_factory=dict)
    announcements: dict[int, Announcement] = field(default_factory=dict)
    versions: dict[int, list[Version]] = field(default_factory=dict)


def of_alias(events: Iterable[Event], alias: str) -> list[Event]:
    """The events of one alias, where several share the topics.

    An outcome names its round alone, so it goes with the round; one whose round nobody planned stays, to be found.
    """
    log = list(events)
    others = {e.round_id for e in log if isinstance(e, RoundPlanned) and e.planned.alias != alias}
    return [event for event in log if _concerns(event, alias, others)]


def _concerns(event: Event, alias: str, others: set[str]) -> bool:
    if isinstance(event, VersionPromoted | VersionRolledBack):
        return event.announcement.version.alias == alias
    if isinstance(event, RoundPlanned | CandidateJudged):
        return event.round_id not in others
    return not isinstance(event, CandidateTrained) or event.candidate.round_id not in others


def verify(events: Iterable[Event], store: ArtifactStore) -> Audit:
    """Check everything that the `rounds` and `model-versions` topics say; see the module's list.

    Parameters
    ----------
    events : Iterable[Event]
        Of one alias (`of_alias`), each topic in its own order.
    """
    log = _Log()
    audit = Audit()
    for event in events:
        audit.findings += _take(event, log)
    for check in (_outcomes, _overlaps, _provenance, _parents, _chain):
        audit.findings += check(log)
    for number, versions in sorted(log.versions.items()):
        audit.findings += _files(number, versions[0], store, audit)
    audit.rounds, audit.versions = len(log.planned), len(log.versions)
    audit.announcements = len(log.announcements)
    return audit


def _take(event: Event, log: _Log) -> Iterator[AuditFinding]:
    if isinstance(event, RoundPlanned):
        if event.planned.round_id != event.round_id:
            yield AuditFinding(f"round {event.round_id}", f"its manifest hashes to {event.planned.round_id}")
        log.planned[event.round_id] = event.planned
    elif isinstance(event, CandidateTrained):
        log.trained[event.candidate.round_id] = event.candidate
    elif isinstance(event, CandidateJudged):
        log.judged.setdefault(event.round_id, []).append(event)
    elif isinstance(event, VersionPromoted | VersionRolledBack):
        announcement = event.announcement
        log.announcements.setdefault(announcement.sequence, announcement)
        known = log.versions.setdefault(announcement.version.number, [])
        if announcement.version not in known:
            known.append(announcement.version)


def _outcomes(log: _Log) -> Iterator[AuditFinding]:
    for round_id, outcomes in log.judged.items():
        if len(outcomes) > 1:
            yield AuditFinding(f"round {round_id}", f"expected one outcome, found {len(outcomes)}")
        if round_id not in log.planned:
            yield AuditFinding(f"round {round_id}", "it has an outcome but was never planned")


def _overlaps(log: _Log) -> Iterator[AuditFinding]:
    by_partition: dict[int, list[tuple[OffsetRange, str]]] = {}
    for round_id in log.judged:
        if round_id in log.planned:
            for r in log.planned[round_id].ranges:
                by_partition.setdefault(r.partition, []).append((r, round_id))
    for partition, ranges in by_partition.items():
        for (left, one), (right, other) in pairwise(sorted(ranges, key=lambda item: item[0].start)):
            if left.end > right.start:
                yield AuditFinding(
                    f"round {other}", f"offsets {right.start} to {left.end} of partition {partition} are in {one} too"
                )


def _provenance(log: _Log) -> Iterator[AuditFinding]:
    for number, versions in log.versions.items():
        if len(versions) > 1:
            yield AuditFinding(f"version {number}", f"expected one version of that number, found {len(versions)}")
        version = versions[0]
        if number == 0:
            continue
        subject, round_id = f"version {number}", version.round_id
        if round_id not in log.planned:
            yield AuditFinding(subject, f"its round {round_id} was never planned")
        candidate = log.trained.get(round_id)
        if candidate is None:
            yield AuditFinding(subject, f"its round {round_id} has no trained candidate")
        elif candidate.adapters != version.adapters:
            yield AuditFinding(subject, f"its adapters are not those of round {round_id}")
        if not any(_promoted(outcome, number) for outcome in log.judged.get(round_id, [])):
            yield AuditFinding(subject, f"round {round_id} was not judged to become it")


def _promoted(judged: CandidateJudged, number: int) -> bool:
    return judged.number == number and judged.verdict is not None and judged.verdict.outcome == "promote"


def _parents(log: _Log) -> Iterator[AuditFinding]:
    for number, versions in log.versions.items():
        parent = versions[0].parent
        if number == 0:
            continue
        if parent is None or (parent != 0 and parent not in log.versions):
            yield AuditFinding(f"version {number}", f"its parent {parent} does not exist")
        planned = log.planned.get(versions[0].round_id)
        if planned is not None and planned.parent != parent:
            yield AuditFinding(
                f"version {number}", f"its parent is {parent}, but its round started from {planned.parent}"
            )


def _chain(log: _Log) -> Iterator[AuditFinding]:
    for (earlier, before), (later, after) in pairwise(sorted(log.announcements.items())):
        if later == earlier + 1 and after.expected_previous != before.version.number:
            yield AuditFinding(
                f"announcement {later}",
                f"it expected version {after.expected_previous} to be active, but {before.version.number} was",
            )


def _files(number: int, version: Version, store: ArtifactStore, audit: Audit) -> Iterator[AuditFinding]:
    if version.adapters is None:
        return
    for role, artifact in (("deployed", version.adapters.deployed), ("proxy", version.adapters.proxy)):
        try:
            audit.files += len(store.read(artifact))
        except (ArtifactDamaged, StorageFailed) as error:
            yield AuditFinding(f"version {number}", f"{role} adapter: {error}")
