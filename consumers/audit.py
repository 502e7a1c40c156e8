"""The audit line on `rounds`, and what the outcome of a round looks like on the topics."""

from __future__ import annotations

from ccit.events import (
    CandidateJudged,
    CandidateTrained,
    Event,
    RoundPlanned,
    VersionPromoted,
    VersionRolledBack,
    encode,
)
from ccit.lineage import Lineage
from ccit.pipeline import promote
from ccit.records import Announcement, OffsetRange, Position, Round, Verdict
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.follower import Follower
from consumers.kafka.messages import Output
from consumers.kafka.topics import Topic, Topics
from consumers.reading import event_in
from consumers.round_job import Finished

_SOURCE = "ccit/train"


class AuditLine:
    """What the rounds topic says: how many rounds have an outcome, which has none, whose samples may be replayed.

    A round that was held harmed or was faulty, and its samples are not used again. One with not enough evidence did
    neither: its samples are replayed into later rounds, or what they teach would be lost.

    Rounds of other aliases are passed over.
    """

    def __init__(self, settings: KafkaSettings, alias: str) -> None:
        self._settings = settings
        self._alias = alias
        self.judged = 0
        self.used_up_to: dict[int, int] = {}  # partition -> first offset that no round with an outcome has used
        self.since_promotion = (
            0  # rounds judged since the last version was promoted: the gate's error budget starts anew
        )
        self._replayable: list[OffsetRange] = []

    def catch_up(self) -> Round | None:
        """Read the topic to its end; the last planned round, if it has no outcome."""
        planned: dict[str, Round] = {}
        outcomes: dict[str, CandidateJudged] = {}
        with Follower(self._settings, Topics(self._settings.prefix).rounds) as follower:
            for message in (message for batch in follower.to_end() for message in batch):
                event = event_in(message)
                if isinstance(event, RoundPlanned) and event.planned.alias == self._alias:
                    planned[event.round_id] = event.planned
                elif isinstance(event, CandidateJudged):
                    outcomes[event.round_id] = event
        for round_id, judged in outcomes.items():
            if round_id in planned:
                self.note(planned[round_id], judged.verdict)
        last = next(reversed(planned.values()), None)
        return None if last is None or last.round_id in outcomes else last

    def note(self, planned: Round, verdict: Verdict | None) -> None:
        """Take in a round's outcome."""
        self.judged += 1
        for used in planned.ranges:
            self.used_up_to[used.partition] = max(used.end, self.used_up_to.get(used.partition, 0))
        self.since_promotion = 0 if verdict is not None and verdict.outcome == "promote" else self.since_promotion + 1
        if verdict is not None and verdict.outcome != "hold":
            self._replayable += planned.ranges

    def replayable(self, position: Position) -> bool:
        """Whether a pooled sample was used by a round that was not held."""
        return any(r.partition == position.partition and r.start <= position.offset < r.end for r in self._replayable)


def planned_output(planned: Round, at: float, topics: Topics) -> Output:
    """The manifest, before anything is trained."""
    return _output(RoundPlanned(planned, planned.round_id), planned.round_id, at, topics.rounds)


def outcome(
    finished: Finished, lineage: Lineage, at: float, topics: Topics
) -> tuple[list[Output], Announcement | None]:
    """Everything that makes a round's outcome known, for one transaction; and the announcement if there is one."""
    planned = finished.planned
    announcement: Announcement | None = None
    outputs: list[Output] = []
    if finished.candidate is not None:
        outputs.append(_output(CandidateTrained(finished.candidate), planned.round_id, at, topics.rounds))
        if finished.verdict is not None:
            announcement = promote(finished.candidate, finished.verdict, planned, lineage, finished.material, at)
    judged = CandidateJudged(
        round_id=planned.round_id,
        number=announcement.version.number if announcement else None,
        verdict=finished.verdict,
        failure=finished.failure,
        evaluation_tokens=finished.evaluation.tokens,
        evaluation_flops=finished.evaluation.flops,
    )
    outputs.append(_output(judged, planned.round_id, at, topics.rounds))
    return outputs + (announced(announcement, topics) if announcement else []), announcement


def announced(announcement: Announcement, topics: Topics) -> list[Output]:
    """The announcement under the alias (who is active) and, for a new version, under its own number for good."""
    promoted = announcement.kind == "promoted"
    event: Event = VersionPromoted(announcement) if promoted else VersionRolledBack(announcement)
    version = announcement.version
    keys = [f"{version.alias}@{version.number}", version.alias] if promoted else [version.alias]
    return [_output(event, key, announcement.at, topics.model_versions) for key in keys]


def _output(event: Event, key: str, at: float, topic: Topic) -> Output:
    value, headers = encode(event, at=at, source=_SOURCE)
    return Output(topic.name, key.encode(), value, headers, topic.partition)
