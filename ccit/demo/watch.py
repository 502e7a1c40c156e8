"""What the demo sees on the topics, gathered for the story, the summary and the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import InitVar, dataclass, field

from ccit.events import (
    CandidateJudged,
    CandidateTrained,
    ReplicaReported,
    RoundPlanned,
    SampleAdmitted,
    SampleRejected,
    VersionPromoted,
    VersionRolledBack,
)
from ccit.records import Announcement, Candidate, Decision, ReplicaReport, Round
from ccit.report.history import AnnouncementRow, DeadLetterRow, DecisionRow, RoundRow
from ccit.scoring.concordance import Concordances
from ccit.selection.admission import QUARANTINE
from ccit.simulation.stream import SimulatedMessage
from consumers.kafka.messages import KafkaMessage
from consumers.observe import Seen

_BEFORE_ROWS = (b"clinical", b"generate")  # what these refuse never was a row


@dataclass(slots=True)
class JudgedRound:
    """A round with its outcome, as the audit line tells it."""

    planned: Round
    candidate: Candidate | None
    judged: CandidateJudged
    row: RoundRow


@dataclass(slots=True)
class Watch:
    """Counts and rows. `stream` is what the generator knows of every message that is sent.

    Times are seconds since the demo began.
    """

    stream: InitVar[Iterable[SimulatedMessage]]
    round_size: int
    decisions: list[DecisionRow] = field(default_factory=list)
    dead_letters: list[DeadLetterRow] = field(default_factory=list)
    announcements: list[tuple[Announcement, AnnouncementRow]] = field(default_factory=list)
    rounds: list[JudgedRound] = field(default_factory=list)
    replicas: dict[str, ReplicaReport] = field(default_factory=dict)
    contents: set[str] = field(default_factory=set)  # digests of what was decided
    accepted: set[str] = field(default_factory=set)  # records
    seen_records: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)  # by cause
    day: int = 0
    came: int = 0  # rows that the stream has brought so far
    audit: Concordances = field(default_factory=lambda: Concordances(versions=1000))
    _by_record: dict[str, SimulatedMessage] = field(default_factory=dict)
    _by_value: dict[bytes, SimulatedMessage] = field(default_factory=dict)
    _planned: dict[str, tuple[Round, float]] = field(default_factory=dict)
    _trained: dict[str, Candidate] = field(default_factory=dict)
    _known_announcements: set[int] = field(default_factory=set)

    def __post_init__(self, stream: Iterable[SimulatedMessage]) -> None:
        for message in stream:
            self._by_value[message.value] = message
            if message.record_id is not None:
                self._by_record[message.record_id] = message

    def take(self, seen: Seen, now: float) -> str | None:
        """Note one message; the line of the story that it is worth, if any."""
        event = seen.event
        if isinstance(event, SampleAdmitted | SampleRejected):
            self._decided(event.decision, now)
        elif isinstance(event, RoundPlanned):
            self._planned[event.round_id] = (event.planned, now)
            planned = event.planned
            return (
                f"round {len(self.rounds) + 1} ({event.round_id[:8]}) starts: {planned.due.detail}; "
                f"{len(planned.sample_ids)} to train on, {len(planned.validation_ids)} to validate, "
                f"{len(planned.parts.get('general', ()))} general, {len(planned.parts.get('replay', ()))} replayed"
            )
        elif isinstance(event, CandidateTrained):
            self._trained[event.candidate.round_id] = event.candidate
        elif isinstance(event, CandidateJudged):
            return self._judged(event, now)
        elif isinstance(event, VersionPromoted | VersionRolledBack):
            return self._announced(event.announcement, now)
        elif isinstance(event, ReplicaReported):
            return self._reported(event.report)
        elif seen.message.topic.endswith("dead-letters") and seen.message.header("ccit_stage") not in _BEFORE_ROWS:
            self._refused(seen.message, now)
        return None

    @property
    def settled(self) -> int:
        """Rows of the stream that have their decision or their dead letter."""
        return len(self.decisions) + len(self.dead_letters)

    def decided(self) -> bool:
        """Whether that holds of all that came."""
        return self.settled >= self.came

    @property
    def pooled(self) -> int:
        """Accepted samples that no planned round has used."""
        used = sum(len(r.sample_ids) + len(r.validation_ids) + len(r.left_out) for r, _ in self._planned.values())
        return sum(row.accepted for row in self.decisions) - used

    def at_rest(self) -> bool:
        """No round is due or at work, and scorer and server have followed the last announcement."""
        newest = self.announcements[-1][0].sequence if self.announcements else 0
        followed = all(
            any(r.role == role and r.sequence >= newest for r in self.replicas.values()) for role in ("score", "serve")
        )
        return len(self._planned) == len(self.rounds) and self.pooled < self.round_size and followed

    def _refused(self, letter: KafkaMessage, now: float) -> None:
        """A dead letter holds the original bytes, so a sound record among them shows as what it is."""
        known = self._by_value.get(letter.value or b"")
        reason = (letter.header("ccit_reason") or b"").decode()
        day, kind = (known.day, known.kind or "") if known else (self.day, "")
        self.dead_letters.append(DeadLetterRow(now, day, kind, reason))

    def _decided(self, decision: Decision, now: float) -> None:
        sample = decision.sample
        known = self._by_record.get(sample.record_id)
        self.seen_records[sample.record_id] += 1
        if self.seen_records[sample.record_id] > 1:
            return  # an at-least-once broker may deliver a decision again; it is counted once, and the repeat is kept
        self.contents.add(sample.content_digest)
        self.audit.add([decision])
        if decision.accepted:
            self.accepted.add(sample.record_id)
        self.quarantined.update(cause for name, cause in decision.annotations.items() if name == QUARANTINE)
        self.decisions.append(
            DecisionRow(
                seq=len(self.decisions),
                at=now,
                day=known.day if known else self.day,
                kind=(known.kind or "") if known else "",
                group=sample.group,
                accepted=decision.accepted,
                reason=decision.reason,
                ifd=decision.value("ifd"),
                novelty=decision.value("novelty"),
                diversity=decision.value("diversity"),
                length=decision.value("length"),
                proxy_version=decision.proxy_version,
                arm=decision.arm,
            )
        )

    def _judged(self, event: CandidateJudged, now: float) -> str:
        planned, started = self._planned[event.round_id]
        verdict = event.verdict
        row = RoundRow(
            round_id=event.round_id,
            at=now,
            seconds=now - started,
            due=planned.due.detail,
            size=len(planned.sample_ids) + len(planned.validation_ids),
            outcome=verdict.outcome if verdict else "hold",
            why=verdict.why if verdict else event.failure,
            parent=planned.parent,
            gain=verdict.gain if verdict else None,
            forgetting=verdict.forgetting if verdict else None,
        )
        self.rounds.append(JudgedRound(planned, self._trained.get(event.round_id), event, row))
        return f"round {len(self.rounds)} judged after {row.seconds:.1f} s: {row.outcome}. {row.why}"

    def _announced(self, announcement: Announcement, now: float) -> str | None:
        if announcement.sequence in self._known_announcements:
            return None  # each promotion is written twice: under the alias and under its number
        self._known_announcements.add(announcement.sequence)
        version = announcement.version
        row = AnnouncementRow(now, announcement.kind, version.number, version.parent, announcement.sequence)
        self.announcements.append((announcement, row))
        what = "is announced" if announcement.kind == "promoted" else "is announced again (rollback)"
        return f"version {version.number} {what}"

    def _reported(self, report: ReplicaReport) -> str | None:
        before = self.replicas.get(report.replica_id)
        self.replicas[report.replica_id] = report
        if report.role == "train" or report.state not in ("active", "failed"):
            return None
        if before is not None and (before.version, before.state) == (report.version, report.state):
            return None
        what = "runs" if report.state == "active" else f"refused, and stays with: {report.detail};"
        return f"{report.role} {what} version {report.version}"
