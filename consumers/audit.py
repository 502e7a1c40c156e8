"""The audit line on `rounds`, and what the outcome of a round looks like on the topics."""

from __future__ import annotations

import logging

from ccit.errors import InputError
from ccit.events import (
    CandidateJudged,
    CandidateTrained,
    Event,
    RoundPlanned,
    VersionPromoted,
    VersionRolledBack,
    decode,
    encode,
)
from ccit.lineage import Lineage
from ccit.pipeline import promote
from ccit.records import Announcement, Round
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.follower import Follower
from consumers.kafka.messages import Output
from consumers.kafka.topics import Topic, Topics
from consumers.round_job import Finished

logger = logging.getLogger("ccit.train")

_SOURCE = "ccit/train"


class AuditLine:
    """What the rounds topic says: how many rounds have an outcome, and which one has none yet."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self.judged = 0

    def catch_up(self) -> Round | None:
        """Read the topic to its end; the last planned round, if it has no outcome."""
        last: Round | None = None
        outcomes: set[str] = set()
        with Follower(self._settings, Topics(self._settings.prefix).rounds) as follower:
            for message in (message for batch in follower.to_end() for message in batch):
                try:
                    event = decode(message.value, message.headers)
                except InputError as error:
                    logger.warning("skipped %s@%d: %s", message.topic, message.offset, error)
                    continue
                if isinstance(event, RoundPlanned):
                    last = event.planned
                elif isinstance(event, CandidateJudged):
                    outcomes.add(event.round_id)
        self.judged = len(outcomes)
        return None if last is None or last.round_id in outcomes else last


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
