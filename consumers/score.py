"""records -> samples | rejects | dead-letters: the online decision, one transaction per batch.

1. Between batches: follow the version topic (the proxy moves) and the samples topic (what other scorers admitted).
2. Step: read every record, decide the batch as if one by one. What is accepted is only pending.
3. Commit: decisions and offsets in one transaction (`consumers/kafka/commit.py`).
4. Only then the novelty index takes in what was accepted; an aborted batch leaves no trace in it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from ccit.assembly import Scoring
from ccit.config import Config
from ccit.errors import CcitError
from ccit.events import SampleAdmitted
from ccit.records import Announcement, Position, ReplicaState
from consumers.connection import commit_protocol, kafka_settings
from consumers.kafka.batches import BatchLimits, BatchLoop
from consumers.kafka.follower import Follower
from consumers.kafka.messages import Message
from consumers.kafka.topics import Topics
from consumers.reading import event_in
from consumers.reports import Reporter
from consumers.score_step import ScoreStep
from consumers.versions import VersionFollower

logger = logging.getLogger("ccit.score")


class ScoreConsumer:
    """One scorer: the loop, and the two topics it follows."""

    def __init__(self, config: Config, scoring: Scoring, instance: str, clock: Callable[[], float] = time.time) -> None:
        settings = kafka_settings(config)
        self._topics = Topics(settings.prefix)
        self._scoring = scoring
        self._step = ScoreStep(scoring, self._topics, config.ingest.max_bytes, clock)
        self._reporter = Reporter(settings, "score", instance)
        self._versions = VersionFollower(settings, scoring.base)
        self._admitted = Follower(settings, self._topics.samples)
        self.loop = BatchLoop(
            settings,
            "score",
            [self._topics.records.name],
            self._step,
            commit_protocol(settings, f"score-{instance}"),
            limits=BatchLimits(config.kafka.batch_size, int(config.kafka.linger_seconds * 1000)),
            on_committed=self._step.committed,
            on_aborted=self._step.aborted,
            between=self._follow,
        )

    def run(self) -> None:
        """Rebuild the index from the samples topic, move the proxy to the active version, then decide until stopped."""
        incumbent = self._versions.catch_up()
        for messages in self._admitted.to_end():
            self._learn(messages)
        if incumbent.number:
            self._scoring.proxy.activate(incumbent)
        self._report("active", incumbent.number)
        logger.info("scoring with proxy version %d, %d samples known", incumbent.number, len(self._scoring.memory))
        try:
            self.loop.run()
        finally:
            self._report("stopped", self._scoring.proxy.version)
            self._versions.close()
            self._admitted.close()

    def _follow(self) -> None:
        announcement = self._versions.poll()
        self._learn(self._admitted.poll())
        if announcement is not None:
            self._move(announcement)

    def _move(self, announcement: Announcement) -> None:
        """The proxy and the novelty state follow the announcement together; a refused version changes neither."""
        number = announcement.version.number
        try:
            self._scoring.proxy.activate(announcement.version)
        except CcitError as error:
            logger.error("version %d is refused: %s", number, error)  # noqa: TRY400 - the sentence is the message
            self._report("failed", self._scoring.proxy.version, str(error))
            return
        if announcement.kind == "rolled_back":
            lineage = self._versions.lineage
            self._scoring.memory.forget(lambda position: not lineage.abandoned(position))
        self._report("active", number)
        logger.info("the proxy moved to version %d (%s)", number, announcement.kind)

    def _report(self, state: ReplicaState, version: int, detail: str = "") -> None:
        self._reporter.report(state, version, self._versions.lineage.sequence, detail, self._scoring.spent)

    # -- what others admitted ---------------------------------------------------------------------------------------

    def _learn(self, messages: Sequence[Message]) -> None:
        """Take in admitted samples from the log; those of our own are known already and are skipped."""
        for message in messages:
            event = event_in(message)
            if not isinstance(event, SampleAdmitted):
                continue
            position = Position(message.partition, message.offset)
            if not self._versions.lineage.abandoned(position):
                self._step.learn(event, position)
