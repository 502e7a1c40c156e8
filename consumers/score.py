"""records, releases -> samples | rejects | dead-letters: the online decision, one transaction per batch.

1. Between batches: follow the version topic (the proxy moves), the rounds topic (what is set aside) and the samples
   topic (what other scorers admitted).
2. Step: read every record, decide the batch as if one by one. What is accepted is only pending.
3. Commit: decisions and offsets in one transaction (`consumers/kafka/exactly_once.py`).
4. Only then the novelty index takes in what was accepted; an aborted batch leaves no trace in it.

At its start a scorer takes the newest snapshot that fits the log, and reads the samples topic from there on; with none
it reads all of it. When partitions come to it, it reads the samples topic to its end before it decides anything of
theirs: whoever had them before may just have admitted something.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from ccit.assembly.scoring import ScoringParts
from ccit.config import Config
from ccit.errors import BrokerUnavailable, CcitError
from ccit.records import Announcement, ReplicaState, Version
from consumers.connection import commit_protocol, kafka_settings
from consumers.kafka.batches import BatchLimits, BatchLoop
from consumers.kafka.follower import Follower
from consumers.kafka.topics import Topics
from consumers.outcomes import OutcomeFollower
from consumers.progress import Progress
from consumers.reports import Reporter
from consumers.samples_view import SamplesView
from consumers.schedule import Tick
from consumers.score_step import ScoreStep
from consumers.snapshots import SnapshotFiles, fits, resume_at
from consumers.versions import VersionFollower

logger = logging.getLogger("ccit.score")

_LAST_LOOK_S = 3.0  # of silence, at the end: a stop is to take seconds
_RETRY_S = 5.0  # a version that could not be loaded is tried again this often: a store may lag behind or be repaired


class ScoreConsumer:
    """One scorer: the loop, and the three topics it follows."""

    def __init__(
        self, config: Config, scoring: ScoringParts, instance: str, clock: Callable[[], float] = time.time
    ) -> None:
        settings = kafka_settings(config)
        topics = Topics(settings.prefix)
        self._settings = settings
        self._samples = topics.samples
        self.scoring = scoring
        self._reporter = Reporter(settings, "score", instance)
        self._versions = VersionFollower(settings, scoring.base)
        self._admitted: Follower | None = None  # while running
        self._outcomes = OutcomeFollower(settings, self._versions.lineage, config.rounds.cooldown_rounds)
        self.known = SamplesView(scoring, topics.samples.name, self._outcomes.fates)
        self.step = ScoreStep(
            scoring, topics, config.ingest.max_bytes, clock, self.known, exactly_once=settings.transactions
        )
        self._files = SnapshotFiles(config.store.root, self.known.origin, instance)
        self._written: tuple[int, Mapping[int, int]] = (0, {})  # rows and offsets of the last snapshot
        self._tick = Tick(config.store.snapshot_seconds)
        self._rebalances = 0  # as of the last look
        self._active = (0, 0)  # version and announcement that score now
        self._refused: Announcement | None = None
        self._retry_at = 0.0
        self.loop = BatchLoop(
            settings,
            "score",
            [topics.records.name, topics.releases.name],
            self.step,
            commit_protocol(settings, f"score-{instance}"),
            limits=BatchLimits(config.kafka.batch_size, int(config.kafka.linger_seconds * 1000)),
            on_committed=self.step.committed,
            on_aborted=self.step.aborted,
            between=self._follow,
            meanwhile=self._meanwhile,
        )
        self._progress = Progress(self.loop, lambda said: self._reporter.progress(said, self.scoring.spent))

    def run(self) -> None:
        """Gather what is known, move the proxy to the active version, then decide until stopped.

        Raises
        ------
        ArtifactDamaged, ModelUnusable
            The active version cannot be loaded; nothing was decided.
        Fenced, TransactionFailed, BrokerUnavailable
            When going on would be wrong or pointless.
        """
        with self._versions, self._outcomes:
            incumbent = self._versions.catch_up()
            self._outcomes.catch_up()
            with self._gather() as self._admitted:
                self._reporter.drifted(self.scoring.drift.found)  # told in an earlier life: no warning again
                self._begin_with(incumbent)
                self._decide(self._admitted)

    def _decide(self, admitted: Follower) -> None:
        self._tick.start()
        try:
            self.loop.run()
            if not self.loop.abandoned:
                self._leave(admitted)
        finally:
            self._tick.stop()
            self._reporter.audited(self.scoring.audit.found, at_once=True)
            self._tell_drifts()
            self._report("stopped")

    def _leave(self, admitted: Follower) -> None:
        """Write down what is known, our own last batch included; without the broker, as far as it was read."""
        try:
            for messages in admitted.to_end(_LAST_LOOK_S):
                self.known.apply(messages)
        except BrokerUnavailable as error:
            logger.warning("the last snapshot ends early: %s", error)
        self._write_snapshot(admitted)

    # -- start and end ----------------------------------------------------------------------------------------------

    def _gather(self) -> Follower:
        """From a snapshot and the rest of the samples topic, or from all of it."""
        start: Mapping[int, int] = {}
        for snapshot in self._files.usable():
            if not fits(snapshot, self._settings, self._samples):
                logger.info("a snapshot is not used: the samples topic holds other samples than it says")
            elif self.known.restored(snapshot):
                start = resume_at(snapshot)
                logger.info("%d samples known from a snapshot", len(self.known))
                break
        admitted = Follower(self._settings, self._samples, start)
        for messages in admitted.to_end():
            self.known.apply(messages)
        return admitted

    def _begin_with(self, incumbent: Version) -> None:
        try:
            if incumbent.number:
                self.scoring.proxy.activate(incumbent)
        except CcitError as error:
            self._report("failed", f"version {incumbent.number} is refused: {error}")
            raise
        self._active = (incumbent.number, self._versions.lineage.sequence)
        self._report("active")
        logger.info("scoring with proxy version %d, %d samples known", incumbent.number, len(self.known))

    def _write_snapshot(self, admitted: Follower) -> None:
        """Between batches alone: nothing is pending then."""
        what = (len(self.known), admitted.positions)
        if what != self._written and what[0] and self._files.write(self.known.snapshot(admitted.positions)):
            self._written = what

    # -- between batches --------------------------------------------------------------------------------------------

    def _meanwhile(self) -> None:
        self._reporter.repeat()
        self._reporter.audited(self.scoring.audit.found)
        self._tell_drifts()
        self._progress.look()

    def _tell_drifts(self) -> None:
        for drift in self._reporter.drifted(self.scoring.drift.found):
            logger.warning("what is let in has changed: %s; see docs/concepts.md, Drift", drift)

    def _follow(self) -> None:
        if self._admitted is None:
            return
        self._meanwhile()
        announcement = self._versions.poll()
        if self.loop.counters.rebalances != self._rebalances:
            self._rebalances = self.loop.counters.rebalances
            for messages in self._admitted.to_end(settled=self._settings.transactions):
                self.known.apply(messages)
        self.known.apply(self._admitted.poll())
        if self._outcomes.poll():
            self.known.align()
        if announcement is not None:
            self._move(announcement)
        elif self._refused is not None and time.monotonic() > self._retry_at:
            self._move(self._refused)
        if self._tick.due():
            self._write_snapshot(self._admitted)

    def _move(self, announcement: Announcement) -> None:
        """The proxy and the novelty state follow the announcement together; a refused version changes neither."""
        number, sequence = announcement.version.number, announcement.sequence
        again = self._refused is not None and self._refused.sequence == sequence  # what was said of it stands
        try:
            if not again:
                self._report("loading", f"version {number}")
            self.scoring.proxy.activate(announcement.version)
        except CcitError as error:
            if not again:
                logger.error("version %d is refused: %s", number, error)  # noqa: TRY400 - the sentence is the message
                self._report("failed", f"version {number} is refused: {error}")
            self._refused, self._retry_at = announcement, time.monotonic() + _RETRY_S
            return
        self.known.align()
        self._refused, self._active = None, (number, sequence)
        self._report("active")
        logger.info("the proxy moved to version %d (%s)", number, announcement.kind)

    def _report(self, state: ReplicaState, detail: str = "") -> None:
        self._reporter.report(state, *self._active, detail, self.scoring.spent)
