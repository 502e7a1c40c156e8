"""The log of all rounds on `rounds`, and what the outcome of a round looks like on the topics."""

from __future__ import annotations

from collections.abc import Iterable

from ccit.events import (
    CandidateJudged,
    CandidateTrained,
    Event,
    RoundPlanned,
    VersionPromoted,
    VersionRolledBack,
    encode,
)
from ccit.fates import Fates
from ccit.lineage import Lineage
from ccit.pipeline import promote
from ccit.records import Announcement, Position, Round, Verdict
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.follower import Follower
from consumers.kafka.messages import Output
from consumers.kafka.topics import Topic, Topics
from consumers.reading import event_in
from consumers.round_job import Finished

_SOURCE = "ccit/train"


class RoundLog:
    """What the rounds topic says: how many rounds have an outcome, which has none, what became of the samples.

    Rounds of other aliases are passed over.

    Parameters
    ----------
    lineage : Lineage
        Of the alias.
    """

    def __init__(self, settings: KafkaSettings, lineage: Lineage) -> None:
        self.fates = Fates(lineage)
        self.since_promotion = 0  # rounds judged since the last promotion: the gate's error budget starts anew
        self._settings = settings

    def catch_up(self) -> Round | None:
        """Read the topic to its end; the last planned round, if it has no outcome."""
        with Follower(self._settings, Topics(self._settings.prefix).rounds) as follower:
            for message in (message for batch in follower.to_end() for message in batch):
                event = event_in(message)
                if event is not None and self.fates.take(event) and isinstance(event, CandidateJudged):
                    self._count(event.verdict)
        return self.fates.unfinished

    def planned(self, planned: Round) -> None:
        """Take in a manifest of our own."""
        self.fates.planned(planned)

    def note(self, planned: Round, verdict: Verdict | None) -> None:
        """Take in a round's outcome."""
        if self.fates.concluded(planned.round_id, verdict):
            self._count(verdict)

    def _count(self, verdict: Verdict | None) -> None:
        self.since_promotion = 0 if verdict is not None and verdict.outcome == "promote" else self.since_promotion + 1


def planned_output(planned: Round, at: float, topics: Topics) -> Output:
    """The manifest, before anything is trained."""
    return _output(RoundPlanned(planned, planned.round_id), planned.round_id, at, topics.rounds)


def outcome(
    finished: Finished, lineage: Lineage, replayed: Iterable[Position], at: float, topics: Topics
) -> tuple[list[Output], Announcement | None]:
    """Everything that makes a round's outcome known, for one transaction; and the announcement if there is one.

    Parameters
    ----------
    replayed : Iterable[Position]
        Where the samples lie that the round took from earlier ones.
    """
    planned = finished.planned
    announcement: Announcement | None = None
    outputs: list[Output] = []
    if finished.candidate is not None:
        outputs.append(_output(CandidateTrained(finished.candidate), planned.round_id, at, topics.rounds))
        if finished.verdict is not None:
            announcement = promote(
                finished.candidate, finished.verdict, planned, lineage, finished.material, at, replayed
            )
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
