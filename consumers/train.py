"""samples -> rounds, model-versions: the trainer's process.

The samples topic is the buffer: its offsets stay uncommitted until the round that used them has its outcome.

1. *plan*: when a trigger is due, the manifest is published on `rounds` before anything is trained.
2. *train*: a child process trains and answers the suites; this one polls, stays in its group and obeys commands.
3. *publish*: candidate, verdict, version and offsets in one transaction, fenced by the trainer's transactional id.

A trainer that was killed finds the manifest without an outcome, gathers the same samples, and takes the same round up
again; the child process finds its finished work or its last checkpoint by the round's id.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

from confluent_kafka import Consumer, TopicPartition

from ccit.assembly import Workshop
from ccit.config import Config
from ccit.errors import BrokerUnavailable, VersionConflict
from ccit.events import SampleAdmitted
from ccit.failpoints import failpoint
from ccit.pipeline import due, plan
from ccit.pool import Pool
from ccit.records import Announcement, Command, Due, Pooled, Round, Sample
from ccit.records import Position as Place
from consumers.audit import AuditLine, announced, outcome, planned_output
from consumers.commands import CommandFollower
from consumers.connection import commit_protocol, kafka_settings
from consumers.kafka.clients import group_consumer
from consumers.kafka.commit import BatchAborted
from consumers.kafka.follower import Follower
from consumers.kafka.messages import Message, Position, received
from consumers.kafka.offsets import start_offsets
from consumers.kafka.topics import Topics
from consumers.reading import event_in
from consumers.reports import Reporter
from consumers.round_job import Finished, RoundJob
from consumers.schedule import Schedule
from consumers.train_state import TrainState
from consumers.versions import VersionFollower

logger = logging.getLogger("ccit.train")

GROUP = "train"
_POLL_S = 0.2
_POOL_CAP_ROUNDS = 20  # samples held in memory, in rounds' worth; beyond it the partitions are paused


class TrainConsumer:
    """The one trainer of an alias; a second one fences the first."""

    def __init__(
        self, config: Config, workshop: Workshop, instance: str, clock: Callable[[], float] = time.time
    ) -> None:
        settings = kafka_settings(config)
        self._settings = settings
        self._topics = Topics(settings.prefix)
        self._workshop = workshop
        self._clock = clock
        self._commit = commit_protocol(settings, f"train-{config.models.alias}", alone=True)
        self._versions = VersionFollower(settings, workshop.base)
        self._audit = AuditLine(settings)
        self._commands = CommandFollower(settings, config.models.alias)
        self._reporter = Reporter(settings, "train", instance)
        self._schedule = Schedule(config.rounds)
        self._stop = threading.Event()
        self._pool = Pool()
        self._start: dict[int, int] = {}  # first offset per partition that no finished round has used
        self._history: list[Sample] = []  # what may be replayed; see AuditLine
        self._unfinished: Round | None = None  # planned, by an earlier life or before partitions moved; not at work
        self._job: RoundJob | None = None
        self._held = False
        self._obeyed_to = 0  # first command not obeyed yet
        self._requested: Due | None = None
        self._moved = False  # partitions were taken away: another trainer may be the one

    def stop(self) -> None:
        """Ask the trainer to leave its group; safe in a signal handler. An unfinished round is taken up later."""
        self._stop.set()

    def state(self) -> TrainState:
        """A look from outside, by any thread."""
        oldest = next(iter(self._pool.waiting), None)
        return TrainState(
            pooled=len(self._pool),
            pooled_since=None if oldest is None else oldest.pooled_at,
            replayable=len(self._history),
            progress=("", 0, 0) if (job := self._job) is None else job.progress,
            judged=self._audit.judged,
            held=self._held,
            version=self._versions.lineage.incumbent.number,
        )

    def run(self) -> None:
        """Catch up, then train until stopped.

        Raises
        ------
        Fenced, TransactionFailed, BrokerUnavailable
            When going on would be wrong or pointless.
        """
        self._commit.open()  # first: from here on an older trainer can publish nothing
        consumer = group_consumer(self._settings, f"{self._settings.prefix}{GROUP}")
        try:
            self._catch_up(consumer)
            consumer.subscribe([self._topics.samples.name], on_assign=self._assigned, on_revoke=self._revoked)
            self._schedule.start()
            while not self._stop.is_set():
                self._turn(consumer)
        finally:
            self._schedule.stop()
            if self._job is not None:
                self._job.cancel()
            self._workshop.close()
            consumer.close()
            self._commit.close()
            self._commands.close()
            self._versions.close()

    # -- start ------------------------------------------------------------------------------------------------------

    def _catch_up(self, consumer: Consumer) -> None:
        incumbent = self._versions.catch_up()
        self._unfinished = self._audit.catch_up()
        self._obeyed_to = self._obeyed_up_to(consumer)
        self._held = self._commands.catch_up(self._obeyed_to)
        self._history = self._read_history()
        self._reporter.report("active", incumbent.number, self._versions.lineage.sequence)
        logger.info(
            "version %d is active, %d rounds so far%s",
            incumbent.number,
            self._audit.judged,
            f", round {self._unfinished.round_id} is unfinished" if self._unfinished else "",
        )

    def _read_history(self) -> list[Sample]:
        """What may be replayed, from the log, as far as its retention reaches back.

        The samples of earlier rounds, without those that were held and those that only abandoned versions learned.
        """
        found: list[Sample] = []
        with Follower(self._settings, self._topics.samples) as follower:
            for messages in follower.to_end():
                for pooled in pooled_in(messages):
                    place = pooled.position
                    if self._audit.replayable(place) and not self._versions.lineage.abandoned(place):
                        found.append(pooled.sample)
        return found

    # -- one turn ---------------------------------------------------------------------------------------------------

    def _turn(self, consumer: Consumer) -> None:
        for pooled in pooled_in(self._read(consumer)):
            self._pool.add(pooled)
        self._requested = self._schedule.due() or self._requested
        if self._moved and consumer.assignment():
            self._require_alone(consumer)
        if consumer.assignment():  # only a member of the group may commit what it obeyed
            for command, after in self._commands.poll():
                self._obey(command, after, consumer)
        if self._job is None:
            self._begin(consumer)
        elif (finished := self._job.finished()) is not None:
            self._publish(finished, consumer)

    def _read(self, consumer: Consumer) -> list[Message]:
        full = len(self._pool) >= _POOL_CAP_ROUNDS * self._workshop.recipe.size and self._unfinished is None
        (consumer.pause if full else consumer.resume)(consumer.assignment())
        messages = []
        for raw in consumer.consume(1000, _POLL_S):
            error = raw.error()
            if error is None:
                messages.append(received(raw))
            elif error.fatal():
                raise BrokerUnavailable(f"the group {GROUP} refused this trainer: {error.str()}; start it again")
            else:
                logger.warning("reading samples: %s", error.str())
        return messages

    def _begin(self, consumer: Consumer) -> None:
        """Start the unfinished round of an earlier life, or plan one when a trigger is due."""
        planned = self._take_up(consumer) if self._unfinished else self._plan(consumer)
        if planned is None:
            return
        incumbent = self._versions.lineage.incumbent
        self._reporter.report("active", incumbent.number, self._versions.lineage.sequence, f"round {planned.round_id}")
        self._job = RoundJob(
            planned,
            self._pool.within(planned.ranges),
            self._history,
            incumbent,
            self._audit.since_promotion + 1,
            self._workshop,
        )

    def _take_up(self, consumer: Consumer) -> Round | None:
        planned = self._unfinished
        if planned is None:
            return None
        if planned.parent != self._versions.lineage.incumbent.number:
            logger.warning("round %s is dropped: version %d is no longer active", planned.round_id, planned.parent)
            self._unfinished = None
            return None
        present = {p.sample.sample_id for p in self._pool.within(planned.ranges)}
        whole = present.issuperset((*planned.sample_ids, *planned.validation_ids))
        if not whole and not self._read_past(planned, consumer):
            return None  # the log is still being read; what is missing after that is gone, and the job says so
        logger.info("round %s is taken up again", planned.round_id)
        self._unfinished = None
        return planned

    def _read_past(self, planned: Round, consumer: Consumer) -> bool:
        """Whether everything that the round's ranges hold has been read."""
        places = [TopicPartition(self._topics.samples.name, r.partition) for r in planned.ranges]
        reached = {place.partition: place.offset for place in consumer.position(places)}
        return all(reached[r.partition] >= r.end for r in planned.ranges)

    def _plan(self, consumer: Consumer) -> Round | None:
        if self._held:
            return None
        now = self._clock()
        why = due(self._pool, self._workshop.trigger, now) or self._requested
        if why is None and self._schedule.age_due():
            why = due(self._pool, self._workshop.age_trigger, now)
        if why is None:
            return None
        self._requested = None
        if len(self._pool) < self._workshop.min_size:
            logger.info(
                "no round (%s): %d samples pooled, %d needed", why.detail, len(self._pool), self._workshop.min_size
            )
            return None
        incumbent = self._versions.lineage.incumbent
        planned = plan(
            self._pool, why, incumbent, self._workshop.recipe, self._history, self._workshop.general, self._start
        )
        failpoint("train.planned")
        try:
            self._commit.commit(
                [planned_output(planned, now, self._topics)],
                self._unmoved(r.partition for r in planned.ranges),
                consumer,
            )
        except BatchAborted as aborted:
            logger.warning("round %s is planned again: %s", planned.round_id, aborted)
            self._requested = why
            return None
        failpoint("train.plan_published")
        logger.info("round %s planned: %s", planned.round_id, why.detail)
        return planned

    def _publish(self, finished: Finished, consumer: Consumer) -> None:
        """Candidate, verdict, version and offsets: one transaction, then the pool and the history move."""
        planned, now = finished.planned, self._clock()
        lineage = self._versions.lineage
        outputs, announcement = outcome(finished, lineage, now, self._topics)
        positions = [Position(self._topics.samples.name, r.partition, r.end) for r in planned.ranges]
        failpoint("train.judged")
        try:
            self._commit.commit(outputs, positions, consumer)
        except BatchAborted as aborted:  # the job keeps its result; the next turn polls, then tries again
            logger.warning("the outcome of round %s is published again: %s", planned.round_id, aborted)
            return
        failpoint("train.published")
        self._job = None
        self._audit.note(planned, finished.verdict)
        self._start.update({r.partition: r.end for r in planned.ranges})
        self._pool.remove(self._pool.within(planned.ranges))
        if announcement is not None:
            lineage.apply(announcement)
        if finished.verdict is not None and finished.verdict.outcome != "hold":
            self._history += (*finished.material.training, *finished.material.validation)
        self._reporter.report("active", lineage.incumbent.number, lineage.sequence)
        verdict = finished.verdict
        said = f"{verdict.outcome}: {verdict.why}" if verdict else f"could not be trained: {finished.failure}"
        logger.info("round %s: %s", planned.round_id, said)

    # -- commands ---------------------------------------------------------------------------------------------------

    def _obey(self, command: Command, after: Position, consumer: Consumer) -> None:
        """Do what was asked and remember in the group's offsets that it was done, together with its effect."""
        logger.info("command %s%s", command.verb, f" to {command.to}" if command.to is not None else "")
        announcement = self._roll_back(command.to) if command.verb == "rollback" else None
        try:
            self._commit.commit(announced(announcement, self._topics) if announcement else [], [after], consumer)
        except BatchAborted as aborted:
            logger.warning("command %s is obeyed again: %s", command.verb, aborted)
            self._commands.put_back(command, after)
            return
        self._obeyed_to = after.offset
        failpoint("train.command_obeyed")
        if announcement is not None:
            self._versions.lineage.apply(announcement)
            self._rolled_back()
        elif command.verb in ("hold", "resume"):
            self._held = command.verb == "hold"
        elif command.verb == "round-now":
            self._requested = Due("command", f"asked for by command {command.command_id}")

    def _roll_back(self, to: int | None) -> Announcement | None:
        """The announcement that an older version is active again; None when it cannot be, which is reported."""
        lineage = self._versions.lineage
        try:
            return lineage.roll_back(to, self._clock())
        except VersionConflict as error:
            logger.error("rollback refused: %s", error)  # noqa: TRY400 - the sentence is the message
            self._reporter.report("failed", lineage.incumbent.number, lineage.sequence, str(error))
            return None

    def _rolled_back(self) -> None:
        """A round in flight was to be judged against a version that is no longer active: its samples stay pooled."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self._history = self._read_history()
        lineage = self._versions.lineage
        self._reporter.report("active", lineage.incumbent.number, lineage.sequence, "rolled back")

    def _obeyed_up_to(self, consumer: Consumer) -> int:
        """First command that no earlier life of this trainer has obeyed."""
        place = TopicPartition(self._topics.commands.name, self._topics.commands.partition or 0)
        found = start_offsets(consumer, [place], self._stop.is_set)
        return max(found[0].offset, 0) if found else 0  # after a stop nothing is obeyed any more

    # -- the log ----------------------------------------------------------------------------------------------------

    def _unmoved(self, partitions: Iterable[int]) -> list[Position]:
        """The group's offsets as they are. Committing them proves membership and the trainer's fence.

        The commands' offset goes along: a broker forgets one that was not committed for a week.
        """
        unmoved = [Position(self._topics.samples.name, p, self._start[p]) for p in partitions]
        commands = Position(self._topics.commands.name, self._topics.commands.partition or 0, self._obeyed_to)
        return [*unmoved, commands] if self._obeyed_to else unmoved

    def _require_alone(self, consumer: Consumer) -> None:
        """Raise `Fenced` when another trainer has opened our transactional id; else whoever took partitions is gone.

        Without this a trainer with nothing to publish would keep its share of the partitions and never hear of it.
        """
        held = [place.partition for place in consumer.assignment()]
        try:
            self._commit.commit([], self._unmoved(held), consumer)
        except BatchAborted as aborted:  # the group is still moving
            logger.info("asked again whether this trainer is the only one: %s", aborted)
            return
        self._moved = False

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        starts = start_offsets(consumer, partitions, self._stop.is_set)
        if starts is None:
            return
        self._start.update({place.partition: max(place.offset, 0) for place in starts})
        consumer.incremental_assign(starts)

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Another trainer reads these now; a round over them is taken up again once they are back, or by the other."""
        gone = {p.partition for p in partitions}
        if self._job is not None and any(r.partition in gone for r in self._job.planned.ranges):
            self._job.cancel()
            self._unfinished, self._job = self._job.planned, None
        self._moved = True
        self._pool.drop_partitions(gone)
        consumer.incremental_unassign(partitions)


def pooled_in(messages: Iterable[Message]) -> list[Pooled]:
    """The admitted samples in these messages; what cannot be read is logged and left out."""
    found = []
    for message in messages:
        event = event_in(message)
        if isinstance(event, SampleAdmitted):
            at = message.timestamp_ms / 1000
            found.append(Pooled(event.decision.sample, Place(message.partition, message.offset), at))
    return found
