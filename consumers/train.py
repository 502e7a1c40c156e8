"""samples -> rounds, model-versions: the trainer's process, and the order in which it does things.

One turn: gather what has come (`pool_reader.py`), obey what operators asked (`commands.py`), then go on with the round
(`rounds.py`): start one when a trigger is due, or publish the outcome of the one at work. A child process trains; this
one polls, stays in its group and obeys commands.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from confluent_kafka import Consumer, TopicPartition

from ccit.assembly.training import TrainerParts
from ccit.config import Config
from ccit.errors import ConfigError, MemoryExhausted, ModelUnusable, VersionConflict
from ccit.failpoints import failpoint
from ccit.pipeline import due
from ccit.records import Announcement, Command, Due, Pooled, ReplicaState
from consumers.commands import CommandFollower
from consumers.connection import commit_protocol, kafka_settings
from consumers.kafka.clients import group_consumer
from consumers.kafka.commit import BatchAborted
from consumers.kafka.deadlines import leave
from consumers.kafka.offsets import start_offsets
from consumers.kafka.topics import Topics
from consumers.pool_reader import PoolReader
from consumers.reports import Reporter
from consumers.round_job import RoundJob
from consumers.round_log import announced
from consumers.rounds import RoundSequence
from consumers.schedule import Schedule
from consumers.train_state import TrainState
from consumers.versions import VersionFollower

logger = logging.getLogger("ccit.train")

GROUP = "train"
# Nothing that a next try, or the next round, would do better: settings, models or memory have to be mended first.
_STAND_STILL = (ConfigError, ModelUnusable, MemoryExhausted)
_POOL_CAP_ROUNDS = 20  # samples held in memory, in rounds' worth; beyond it the partitions are paused


class TrainConsumer:
    """The one trainer of an alias; a second one fences the first."""

    def __init__(
        self, config: Config, parts: TrainerParts, instance: str, clock: Callable[[], float] = time.time
    ) -> None:
        settings = kafka_settings(config)
        self._settings = settings
        self._topics = Topics(settings.prefix)
        self._parts = parts
        self._clock = clock
        self._commit = commit_protocol(settings, f"train-{config.models.alias}", alone=True)
        self._versions = VersionFollower(settings, parts.base)
        self._commands = CommandFollower(settings, config.models.alias)
        self._reporter = Reporter(settings, "train", instance)
        self._schedule = Schedule(config.rounds)
        self._pool_reader = PoolReader(settings, self._topics.samples, _POOL_CAP_ROUNDS * parts.size)
        self._rounds = RoundSequence(
            settings, parts, self._commit, self._versions.lineage, self._pool_reader, self._reporter, clock
        )
        self._stop = threading.Event()
        self._flagged: Due | None = None  # a flag of the schedule that was lowered, and is still to be answered
        self._fault = ""  # why the last round could not be made, until an operator says that it is mended
        self._said = ""  # why no round is made, as it was reported
        self._moved = False  # partitions were taken away: another trainer may be the one

    def stop(self) -> None:
        """Ask the trainer to leave its group; safe in a signal handler. An unfinished round is taken up later."""
        self._stop.set()

    def state(self) -> TrainState:
        """A look from outside, by any thread."""
        pool, rounds = self._pool_reader.pool, self._rounds
        oldest = next(iter(pool.waiting), None)
        return TrainState(
            pooled=len(pool),
            pooled_since=None if oldest is None else oldest.pooled_at,
            replayable=len(rounds.history),
            progress=("", 0, 0) if (job := rounds.job) is None else job.progress,
            judged=rounds.log.fates.judged,
            held=self._commands.held,
            failed=bool(self._said),
            version=self._versions.lineage.incumbent.number,
            expired=self._pool_reader.expired,
        )

    def run(self) -> None:
        """Catch up, then train until stopped.

        Raises
        ------
        Fenced, TransactionFailed, BrokerUnavailable
            When going on would be wrong or pointless.
        ArtifactDamaged, StorageFailed
            Something around the round is broken, and every round would end like this one: it is taken up again when
            that has been mended.
        """
        self._commit.open()  # first: from here on an older trainer can publish nothing
        consumer = group_consumer(self._settings, f"{self._settings.prefix}{GROUP}", mark_ends=True)
        try:
            self._catch_up(consumer)
            consumer.subscribe([self._topics.samples.name], on_assign=self._assigned, on_revoke=self._revoked)
            self._schedule.start()
            while not self._stop.is_set():
                self._turn(consumer)
        finally:
            self._schedule.stop()
            self._rounds.cancel()
            self._parts.close()
            leave(consumer)
            self._commit.close()
            self._commands.close()
            self._versions.close()
            self._report(state="stopped")

    def _catch_up(self, consumer: Consumer) -> None:
        incumbent = self._versions.catch_up()
        self._commands.catch_up(self._answered_to(consumer), self._clock())
        self._pool_reader.begin(consumer)
        self._rounds.catch_up()
        self._report()
        unfinished = self._rounds.unfinished
        logger.info(
            "version %d is active, %d rounds so far%s",
            incumbent.number,
            self._rounds.log.fates.judged,
            f", round {unfinished.round_id} is unfinished" if unfinished else "",
        )

    def _answered_to(self, consumer: Consumer) -> int | None:
        """First command that no earlier life of this trainer has answered; None where the broker knows of none."""
        place = TopicPartition(self._topics.commands.name, self._topics.commands.partition or 0)
        found = start_offsets(consumer, [place], self._stop.is_set)
        return found[0].offset if found and found[0].offset >= 0 else None  # after a stop nothing is obeyed any more

    def _turn(self, consumer: Consumer) -> None:
        self._reporter.repeat()
        self._observe(self._pool_reader.read(consumer, unbounded=self._rounds.unfinished is not None))
        if self._stop.is_set():
            return  # partitions that came in between have no start, see `start_offsets`
        self._flagged = self._schedule.due() or self._flagged
        if self._moved and consumer.assignment():
            self._require_alone(consumer)
        if consumer.assignment():  # only a member of the group may commit what it obeyed
            self._obey_all(consumer)
        job = self._rounds.job
        if job is None:
            self._begin(consumer)
        else:
            self._go_on(job, consumer)

    def _observe(self, pooled: Sequence[Pooled]) -> None:
        decisions = [one.decision for one in pooled if one.decision is not None]
        if decisions:
            for trigger in (self._parts.trigger, self._parts.whole_pool_trigger):
                trigger.observe(decisions)

    # -- rounds -----------------------------------------------------------------------------------------------------

    def _go_on(self, job: RoundJob, consumer: Consumer) -> None:
        """Publish the outcome once there is one. What no try can mend is none: the round waits, with its samples."""
        try:
            finished = job.finished()
        except _STAND_STILL as fault:
            self._fault = str(fault)
            self._rounds.put_back()
            return
        if finished is not None:
            self._rounds.publish(finished, consumer)

    def _stands_still(self) -> bool:
        """Whether no round can be made until somebody mends something: said once, and reported for as long."""
        why = self._fault or self._parts.misfit(self._versions.lineage.incumbent)
        if why != self._said:
            self._said = why
            if why:
                logger.error("no round is made: %s", why)
            self._report()
        return bool(why)

    def _begin(self, consumer: Consumer) -> None:
        """Take up the unfinished round, or plan one when that is due."""
        if self._stands_still():
            return
        if self._rounds.unfinished is not None:
            self._rounds.take_up(consumer)
        elif not self._commands.held and (why := self._why()) is not None:
            try:
                self._plan(why, consumer)
            except ConfigError as fault:  # a planner or a source that cannot do its work
                self._fault = str(fault)

    def _why(self) -> Due | None:
        """Why a round starts now. One that need not be full takes all that waits, so all of that is read first."""
        pool_reader, now = self._pool_reader, self._clock()
        enough = len(pool_reader.pool) >= self._parts.min_size  # whatever a trigger says, no round has fewer
        why = due(pool_reader.pool, self._parts.trigger, now) if enough else None
        if why is not None or not pool_reader.complete:
            return why
        if self._commands.round_now is not None:
            return Due("command", f"asked for by command {self._commands.round_now.command_id}")
        if self._flagged is None and enough:
            return due(pool_reader.pool, self._parts.whole_pool_trigger, now)
        return self._flagged

    def _plan(self, why: Due, consumer: Consumer) -> None:
        """Plan, or say that too little waits; either answers the schedule's flag and a `round-now`, once it counts."""
        pooled, needed = len(self._pool_reader.pool), self._parts.min_size
        if pooled < needed:
            answered = self._decline(f"no round ({why.detail}): {pooled} samples pooled, {needed} needed", consumer)
        else:
            answered = self._rounds.plan(why, self._commands.answering(), consumer)
        if answered:
            self._commands.answered()
            self._flagged = None

    def _decline(self, said: str, consumer: Consumer) -> bool:
        """There is nothing to plan; False when that could not be remembered, where it has to be."""
        if self._commands.round_now is not None:
            try:
                self._commit.commit([], self._commands.answering(), consumer)
            except BatchAborted as aborted:
                logger.warning("a round-now is answered again: %s", aborted)
                return False
            self._report(said)
        logger.info("%s", said)
        return True

    # -- commands ---------------------------------------------------------------------------------------------------

    def _obey_all(self, consumer: Consumer) -> None:
        """In order: one that cannot be obeyed now keeps those behind it waiting."""
        while (command := self._commands.first()) is not None and self._obey(command, consumer):
            pass

    def _obey(self, command: Command, consumer: Consumer) -> bool:
        """Do what was asked and remember in the group's offsets that it was done, together with its effect."""
        logger.info("command %s%s", command.verb, f" to {command.to}" if command.to is not None else "")
        announcement = self._roll_back(command.to) if command.verb == "rollback" else None
        outputs, after = self._commands.obeying(self._clock())
        if announcement is not None:
            outputs += announced(announcement, self._topics)
        try:
            self._commit.commit(outputs, [after], consumer)
        except BatchAborted as aborted:
            logger.warning("command %s is obeyed again: %s", command.verb, aborted)
            return False
        self._commands.obeyed()
        if command.verb in ("resume", "rollback"):
            self._fault = ""
        failpoint("train.command_obeyed")
        if announcement is not None:
            self._versions.lineage.apply(announcement)
            self._rounds.rolled_back()
            self._report("rolled back")
        return True

    def _roll_back(self, to: int | None) -> Announcement | None:
        """The announcement that an older version is active again; None when it cannot be, which is reported."""
        lineage = self._versions.lineage
        try:
            return lineage.roll_back(to, self._clock())
        except VersionConflict as error:
            logger.error("rollback refused: %s", error)  # noqa: TRY400 - the sentence is the message
            self._reporter.report("failed", lineage.incumbent.number, lineage.sequence, str(error))
            return None

    def _report(self, detail: str = "", state: ReplicaState = "active") -> None:
        """`detail` gives way to what keeps all rounds from being made."""
        lineage = self._versions.lineage
        if self._said and state == "active":
            state, detail = "failed", f"no round is made: {self._said}"
        self._reporter.report(state, lineage.incumbent.number, lineage.sequence, detail)

    # -- partitions -------------------------------------------------------------------------------------------------

    def _require_alone(self, consumer: Consumer) -> None:
        """Raise `Fenced` when another trainer has opened our transactional id; else whoever took partitions is gone.

        Without this a trainer with nothing to publish would keep its share of the partitions and never hear of it.
        """
        held = [place.partition for place in consumer.assignment()]
        try:
            self._commit.commit([], self._rounds.unmoved(held), consumer)
        except BatchAborted as aborted:  # the group is still moving
            logger.info("asked again whether this trainer is the only one: %s", aborted)
            return
        self._moved = False

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._pool_reader.assigned(consumer, partitions, self._rounds.log.fates.used_up_to, self._stop.is_set)

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._rounds.given_up({place.partition for place in partitions})
        self._moved = True
        self._pool_reader.revoked(consumer, partitions)
