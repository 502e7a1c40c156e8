"""The rounds of one trainer, one after another: planned or taken up, at work, published.

1. *plan*: the manifest is published on `rounds` before anything is trained.
2. *train*: `RoundJob` trains and judges; the thread that polls asks now and then whether it has finished.
3. *publish*: candidate, verdict, version and offsets in one transaction, fenced by the trainer's transactional id.

A trainer that was killed finds the manifest without an outcome, gathers the same samples, and takes the same round up
again; the child process finds its finished work or its last checkpoint by the round's id.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable

from confluent_kafka import Consumer

from ccit.assembly.training import TrainerParts
from ccit.failpoints import failpoint
from ccit.lineage import Lineage
from ccit.pipeline import plan
from ccit.ports.rounds import Past
from ccit.records import Due, Pooled, Position, Round
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.commit import BatchAborted, CommitProtocol
from consumers.kafka.follower import Follower
from consumers.kafka.messages import GroupOffset
from consumers.kafka.topics import Topics
from consumers.pool_reader import PoolReader, pooled_in
from consumers.reports import Reporter
from consumers.round_job import Finished, RoundJob
from consumers.round_log import RoundLog, outcome, planned_output

logger = logging.getLogger("ccit.train")


class RoundSequence:
    """At most one round is at work; its samples stay pooled until its outcome is published."""

    def __init__(
        self,
        settings: KafkaSettings,
        parts: TrainerParts,
        commit: CommitProtocol,
        lineage: Lineage,
        pool_reader: PoolReader,
        reporter: Reporter,
        clock: Callable[[], float],
    ) -> None:
        self.log = RoundLog(settings, lineage)
        self.unfinished: Round | None = None  # planned, by an earlier life or before partitions moved; not at work
        self.job: RoundJob | None = None
        self.history: list[Pooled] = []  # what may be replayed; see `Fates.replayable`
        self._settings = settings
        self._topics = Topics(settings.prefix)
        self._parts = parts
        self._commit = commit
        self._lineage = lineage
        self._pool_reader = pool_reader
        self._reporter = reporter
        self._clock = clock

    def catch_up(self) -> None:
        """What the topics say; the line of versions has been read to its end before. Raises `BrokerUnavailable`."""
        self.unfinished = self.log.catch_up()
        self.history = self._read_history()

    def take_up(self, consumer: Consumer) -> None:
        """Start the unfinished round once its samples are gathered; drop it when what it builds on has changed."""
        planned = self.unfinished
        if planned is None:
            return
        if (why := self._outdated(planned)) is not None:
            logger.warning("round %s is dropped, its samples stay pooled: %s", planned.round_id, why)
            self.unfinished = None
            return
        present = {p.sample.sample_id for p in self._pool_reader.pool.within(planned.ranges)}
        whole = present.issuperset((*planned.sample_ids, *planned.validation_ids))
        if not whole and not self._pool_reader.read_past(planned.ranges, consumer):
            return  # the log is still being read; what is missing after that is gone, and the job says so
        logger.info("round %s is taken up again", planned.round_id)
        self.unfinished = None
        self._start(planned)

    def plan(self, why: Due, commands: Iterable[GroupOffset], consumer: Consumer) -> bool:
        """Publish a manifest and start to train; False when it was not published.

        Parameters
        ----------
        commands : iterable of GroupOffset
            How far commands are answered with this plan. Offsets of samples go along as they are: committing them
            proves membership and the trainer's fence.
        """
        planned = plan(
            self._pool_reader.pool,
            why,
            self._lineage.incumbent,
            self._parts.recipe,
            [earlier.sample for earlier in self.history],
            self._pool_reader.start,
            Past.of(self.history, self.log.fates.picks),
        )
        failpoint("train.planned")
        unmoved = self.unmoved(r.partition for r in planned.ranges)
        output = planned_output(planned, self._clock(), self._topics)
        try:
            self._commit.commit([output], [*unmoved, *commands], consumer)
        except BatchAborted as aborted:
            logger.warning("round %s is planned again: %s", planned.round_id, aborted)
            return False
        failpoint("train.plan_published")
        self.log.planned(planned)
        logger.info("round %s planned: %s", planned.round_id, why.detail)
        self._start(planned)
        return True

    def publish(self, finished: Finished, consumer: Consumer) -> None:
        """Candidate, verdict, version and offsets: one transaction, then the pool and the history move."""
        planned, verdict, lineage = finished.planned, finished.verdict, self._lineage
        outputs, announcement = outcome(finished, lineage, self._replayed(planned), self._clock(), self._topics)
        positions = [GroupOffset(self._topics.samples.name, r.partition, r.end) for r in planned.ranges]
        failpoint("train.judged")
        try:
            self._commit.commit(outputs, positions, consumer)
        except BatchAborted as aborted:  # the job keeps its result; the next turn polls, then tries again
            logger.warning("the outcome of round %s is published again: %s", planned.round_id, aborted)
            return
        failpoint("train.published")
        self.job = None
        if announcement is not None:
            lineage.apply(announcement)
        self.log.note(planned, verdict)
        used = self._pool_reader.used(planned.ranges)
        self.history += [pooled for pooled in used if self.log.fates.replayable(pooled.position)]
        self._reporter.report("active", lineage.incumbent.number, lineage.sequence)
        said = f"{verdict.outcome}: {verdict.why}" if verdict else f"could not be trained: {finished.failure}"
        logger.info("round %s: %s", planned.round_id, said)

    def rolled_back(self) -> None:
        """A round at work was to be judged against a version that is no longer active: its samples stay pooled."""
        self.cancel()
        self.history = self._read_history()

    def given_up(self, partitions: Collection[int]) -> None:
        """Partitions went: a round over them is taken up again once they are back, or by another trainer."""
        if self.job is not None and any(r.partition in partitions for r in self.job.planned.ranges):
            self.put_back()

    def put_back(self) -> None:
        """The round at work cannot be made for now: it stays planned, and its samples stay in it."""
        if self.job is not None:
            self.unfinished = self.job.planned
            self.cancel()

    def cancel(self) -> None:
        """End the round at work, if there is one; nothing is published."""
        if self.job is not None:
            self.job.cancel()
            self.job = None

    def unmoved(self, partitions: Iterable[int]) -> list[GroupOffset]:
        """The group's offsets as they are."""
        return [GroupOffset(self._topics.samples.name, p, self._pool_reader.start[p]) for p in partitions]

    def _outdated(self, planned: Round) -> str | None:
        """Why a round that was planned earlier cannot be made any more; None when it can."""
        if planned.parent != self._lineage.incumbent.number:
            return f"version {planned.parent} is no longer active"
        recipe = self._parts.recipe
        if (planned.base_revision, planned.proxy_revision) != (recipe.base_revision, recipe.proxy_revision):
            return "it was planned for other base models than models.deployed and models.proxy are now"
        if planned.config_digest != recipe.config_digest:
            return "it was planned by other settings than those of now, and would be trained by these"
        if planned.code_digest != recipe.code_digest:
            return "it was planned by another release of ccit, and would be trained by this one"
        return self._gone(planned)

    def _gone(self, planned: Round) -> str | None:
        """Which sample of another source than the pool is gone; one of its own is for the job to say."""
        history = [earlier.sample for earlier in self.history]
        for kind, ids in planned.parts.items():
            try:
                self._parts.recipe.sources[kind].texts(ids, history)
            except KeyError as gone:
                return f"its {kind} part names sample {gone}, which is gone"
        return None

    def _start(self, planned: Round) -> None:
        incumbent = self._lineage.incumbent
        self._reporter.report("active", incumbent.number, self._lineage.sequence, f"round {planned.round_id}")
        self.job = RoundJob(
            planned,
            self._pool_reader.pool.within(planned.ranges),
            [earlier.sample for earlier in self.history],
            incumbent,
            self._lineage.baseline(self._parts.judging.gate.baseline),
            self.log.since_promotion + 1,
            self._parts,
        )

    def _replayed(self, planned: Round) -> list[Position]:
        """Where the samples lie that the round took from earlier ones."""
        picked = {sample_id for part in planned.parts.values() for sample_id in part}
        return [earlier.position for earlier in self.history if earlier.sample.sample_id in picked]

    def _read_history(self) -> list[Pooled]:
        """What may be replayed, from the log, as far as its retention reaches back."""
        with Follower(self._settings, self._topics.samples) as follower:
            return [
                pooled
                for messages in follower.to_end()
                for pooled in pooled_in(messages)
                if self.log.fates.replayable(pooled.position)
            ]
