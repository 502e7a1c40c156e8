"""The loop: read a batch, step, commit; and what happens when partitions move, commits fail or a signal comes.

One turn of the loop, the same words as in the code:

1. *read*: poll until `batch_size` messages, `batch_bytes` bytes or `linger_ms` milliseconds.
2. *step*: decide, in a thread of its own. When it is slow, this thread keeps polling with everything paused, so the
   group keeps this member and a rebalance is answered at once.
3. *commit*: outputs and offsets by the commit protocol (`commit.py`).
4. *tell*: `on_committed` with the place of every output; only now may the caller's state change.

When the commit aborts, or a partition of the batch is taken away before it: `on_aborted`, what is still ours goes back
to the front of the queue *in memory*, and the loop turns again. Nothing is skipped, because offsets move in the commit
alone; nothing is done twice, because a batch is committed under the membership that read it.

A partition that arrives while all are paused is paused too, and one that arrives later is resumed (flags survive).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka import Message as RawMessage

from ccit.errors import BrokerUnavailable, TransactionFailed
from ccit.failpoints import failpoint
from consumers.kafka.clients import FORBIDDEN, KafkaSettings, group_consumer
from consumers.kafka.commit import BatchAborted, CommitProtocol
from consumers.kafka.messages import Delivered, Message, Output, next_positions, received
from consumers.kafka.offsets import start_offsets
from consumers.kafka.stepper import Job, Stepper

logger = logging.getLogger("ccit.kafka")

Step = Callable[[Sequence[Message]], Sequence[Output]]

_IDLE_POLL_S = 0.25  # how late a stop or a tick may be noticed while nothing arrives
_SLOW_STEP_S = 1.0  # pausing drops what was fetched ahead, so quick steps go without
_PAUSED_POLL_S = 0.1
_WATCH_EVERY_S = 1.0
_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S = 0.1, 5.0  # far below max.poll.interval.ms (300 s)


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """When a batch is full.

    Parameters
    ----------
    batch_size : int
        Messages; a transaction costs about 15 ms whatever its size, so hundreds pay.
    linger_ms : int
        Milliseconds to wait for more once the first has come.
    batch_bytes : int
        Payload bytes: a burst of huge messages must not fill the memory.
    grace_s : float
        Seconds a running step may still take after a stop; then its batch is dropped, uncommitted.
    """

    batch_size: int = 500
    linger_ms: int = 100
    batch_bytes: int = 32 * 1024 * 1024
    grace_s: float = 10.0


@dataclass(slots=True)
class Counters:
    """What the loop has done since it began; read by metrics."""

    batches: int = 0
    messages: int = 0
    outputs: int = 0
    aborted: int = 0
    rebalances: int = 0
    step_seconds: float = 0.0
    commit_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is still to be decided, as of the last look.

    Parameters
    ----------
    behind : Mapping[tuple[str, int], int]
        Topic and partition -> messages not read yet (control markers of transactions among them); 0 at the end.
    oldest_ms : int or None
        Not younger than the oldest undecided message (milliseconds since 1970): the oldest in hand, or the last one
        read of a partition that has more. None when everything is decided.
    """

    behind: Mapping[tuple[str, int], int] = field(default_factory=dict)
    oldest_ms: int | None = None


def _nothing() -> None:
    """Default of the optional callbacks."""


def _ignored(_: Sequence[Delivered]) -> None:
    """Default of `on_committed`."""


class BatchLoop:
    """Consume, transform, produce: nothing lost, and with `ExactlyOnce` nothing twice.

    Parameters
    ----------
    group : str
        Consumer group, without the prefix.
    topics : sequence of str
        Full names to read.
    step : callable
        Messages in, outputs out; runs in one thread of its own, may be slow, and must leave all state that outlives it
        to `on_committed`. What it raises ends the loop with nothing committed.
    commit : CommitProtocol
        `ExactlyOnce` or `AtLeastOnce`.
    on_committed, on_aborted : callable
        Called in the loop's thread, never while a step runs.
    between : callable
        Called before every read, idle or not: the place to follow other topics. Also called after partitions have
        come (`counters.rebalances` has grown) and before the first step over anything of theirs.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        group: str,
        topics: Sequence[str],
        step: Step,
        commit: CommitProtocol,
        *,
        limits: BatchLimits | None = None,
        on_committed: Callable[[Sequence[Delivered]], None] = _ignored,
        on_aborted: Callable[[], None] = _nothing,
        between: Callable[[], None] = _nothing,
    ) -> None:
        self.counters = Counters()
        self.observers: list[Callable[[Sequence[Delivered]], None]] = []  # told after `on_committed`
        self.watched = False  # whether `backlog` is kept up to date, about once a second
        self.backlog = Backlog()
        self._settings = settings
        self._group = f"{settings.prefix}{group}"
        self._topics = list(topics)
        self._stepper = Stepper(step)
        self._commit = commit
        self._limits = limits or BatchLimits()
        self._on_committed = on_committed
        self._on_aborted = on_aborted
        self._between = between
        self._watched_at = 0.0
        self._stop = threading.Event()
        self._owned: set[tuple[str, int]] = set()
        self._moved: set[tuple[str, int]] = set()  # taken away since the batch was read, even if they came back
        self._queue: deque[Message] = deque()
        self._in_hand: Sequence[Message] = ()  # read, not decided
        self._read_until: dict[tuple[str, int], int] = {}  # time (ms) of the last message read
        self._at_end: set[tuple[str, int]] = set()
        self._membership: object = None  # from before the batch was read; see `ExactlyOnce.commit`
        self._paused = False
        self._failures = 0
        self._consumer: Consumer | None = None  # while running

    def stop(self) -> None:
        """Ask the loop to finish its batch and leave the group; safe in a signal handler and from any thread."""
        self._stop.set()

    def run(self) -> None:
        """Turn until stopped.

        Raises
        ------
        Fenced, TransactionFailed, BrokerUnavailable
            When going on would be wrong or pointless; the message says what to do.
        """
        self._commit.open()
        consumer = self._consumer = group_consumer(self._settings, self._group, mark_ends=True)
        try:
            consumer.subscribe(self._topics, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)
            while not self._stop.is_set():
                self._between()
                self._watch()
                self._membership = consumer.consumer_group_metadata()
                batch = self._read(consumer)
                if batch:
                    self._in_hand = batch
                    self._turn(consumer, batch)
                    self._in_hand = ()
        finally:
            self._consumer = None
            self._stepper.close()
            consumer.close()
            self._commit.close()

    def lag(self) -> dict[tuple[str, int], int]:
        """Messages behind the end per partition, as last heard from the broker; 0 where the end was seen.

        Control markers of transactions count too. Call it in the loop's thread (`between`).
        """
        behind: dict[tuple[str, int], int] = {}
        if self._consumer is None:
            return behind
        for place in self._consumer.position([TopicPartition(*owned) for owned in self._owned]):
            key = (place.topic, place.partition)
            _, end = self._consumer.get_watermark_offsets(place, cached=True)
            behind[key] = 0 if key in self._at_end else max(end - max(place.offset, 0), 0)
        return behind

    def _watch(self) -> None:
        if not self.watched or time.monotonic() - self._watched_at < _WATCH_EVERY_S:
            return
        self._watched_at = time.monotonic()
        behind = self.lag()
        times = [self._read_until[key] for key, count in behind.items() if count and key in self._read_until]
        times += [message.timestamp_ms for message in (*self._in_hand, *self._queue) if message.timestamp_ms >= 0]
        self.backlog = Backlog(behind, min(times, default=None))

    # -- read ---------------------------------------------------------------------------------------------------

    def _read(self, consumer: Consumer) -> list[Message]:
        """The next batch: what an abort put back, then what comes, until a limit is reached."""
        before = self.counters.rebalances
        self._poll(consumer, 0.0 if self._queue else _IDLE_POLL_S)  # always once: rebalances are answered here
        if not self._queue:
            return []
        deadline = time.monotonic() + self._limits.linger_ms / 1000
        size = sum(message.size_bytes for message in self._queue)
        while len(self._queue) < self._limits.batch_size and size < self._limits.batch_bytes:
            left_s, held = deadline - time.monotonic(), len(self._queue)
            if left_s <= 0 or not self._poll(consumer, left_s):
                break
            size += self._queue[-1].size_bytes if len(self._queue) > held else 0
        if self.counters.rebalances != before:
            return []  # `between` first: what has come waits in the queue
        return self._take()

    def _take(self) -> list[Message]:
        """One batch's worth from the front of the queue."""
        batch: list[Message] = []
        size = 0
        while self._queue and len(batch) < self._limits.batch_size and size < self._limits.batch_bytes:
            batch.append(self._queue.popleft())
            size += batch[-1].size_bytes
        return batch

    def _poll(self, consumer: Consumer, timeout_s: float) -> bool:
        """Serve callbacks and queue at most one message; False when the time passed without any."""
        raw = consumer.poll(timeout_s)
        if raw is None:
            return False
        error = raw.error()
        if error is not None:
            self._heard(raw, error)
        elif (raw.topic(), raw.partition()) in self._owned:
            message = received(raw)
            self._queue.append(message)
            self._at_end.discard((message.topic, message.partition))
            self._read_until[message.topic, message.partition] = message.timestamp_ms
        return True

    def _heard(self, raw: RawMessage, error: KafkaError) -> None:
        """A consumer's error is a value: fatal and forbidden end the loop, the rest heals by polling on."""
        if error.code() == KafkaError._PARTITION_EOF:
            self._at_end.add((str(raw.topic()), int(raw.partition() or 0)))
            return
        if error.fatal():
            raise TransactionFailed(f"group {self._group} refused this member for good: {error.str()}; start again")
        if error.code() in FORBIDDEN:
            raise BrokerUnavailable(
                f"group {self._group} should be allowed to read {', '.join(self._topics)}, but {error.str()}; "
                "grant it on the broker"
            )
        logger.warning("reading %s: %s", ", ".join(self._topics), error.str())

    # -- step and commit ----------------------------------------------------------------------------------------

    def _turn(self, consumer: Consumer, batch: list[Message]) -> None:
        failpoint("batch.read")
        self._moved.clear()
        began = time.monotonic()
        outputs = self._stepped(consumer, batch)
        stepped = time.monotonic()
        self.counters.step_seconds += stepped - began
        if outputs is None:
            self._put_back(batch, "partitions moved or a stop came while it was decided")
            return
        failpoint("batch.stepped")
        try:
            delivered = self._commit.commit(outputs, next_positions(batch), consumer, self._membership)
        except BatchAborted as aborted:
            self._put_back(batch, str(aborted))
            self._back_off()
            return
        failpoint("batch.committed")
        self.counters.commit_seconds += time.monotonic() - stepped
        self._failures = 0
        self.counters.batches += 1
        self.counters.messages += len(batch)
        self.counters.outputs += len(delivered)
        self._on_committed(delivered)
        for observe in self.observers:
            observe(delivered)
        failpoint("batch.told")

    def _stepped(self, consumer: Consumer, batch: list[Message]) -> Sequence[Output] | None:
        """The step's outputs; None when the batch is no longer ours to commit."""
        job = self._stepper.begin(batch)
        if not job.wait(_SLOW_STEP_S):
            if not self._poll_while(consumer, job):
                return None
            if not all(self._ours(message) for message in batch):
                return None
        return job.result()

    def _poll_while(self, consumer: Consumer, job: Job) -> bool:
        """Stay in the group while a step runs; False when a stop came and the grace is over."""
        self._paused = True
        consumer.pause(consumer.assignment())
        stopped_at: float | None = None
        try:
            while not job.wait(_PAUSED_POLL_S):
                before, membership = self.counters.rebalances, consumer.consumer_group_metadata()
                self._poll(consumer, 0.0)
                if self.counters.rebalances == before:  # what is ours is the same: the newer membership stands for it
                    self._membership = membership
                self._watch()
                if self._stop.is_set():
                    stopped_at = stopped_at or time.monotonic()
                    if time.monotonic() - stopped_at > self._limits.grace_s:
                        return False
        finally:
            self._paused = False
            consumer.resume(consumer.assignment())
        return True

    def _put_back(self, batch: list[Message], why: str) -> None:
        """What is still ours returns to the front of the queue; the rest belongs to another member."""
        self.counters.aborted += 1
        logger.info("a batch of %d is put back: %s", len(batch), why)
        self._queue.extendleft(message for message in reversed(batch) if self._ours(message))
        self._on_aborted()

    def _ours(self, message: Message) -> bool:
        """Whether a message of the batch will not be read again: a partition that came back starts at its offset."""
        place = (message.topic, message.partition)
        return place in self._owned and place not in self._moved

    def _back_off(self) -> None:
        self._stop.wait(min(_FIRST_BACKOFF_S * 2**self._failures, _LONGEST_BACKOFF_S))
        self._failures = min(self._failures + 1, 10)

    # -- partitions come and go (called inside poll, in the loop's thread) ----------------------------------------

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        starts = start_offsets(consumer, partitions, self._stop.is_set)
        if starts is None:
            return  # leaving: the client takes them over by itself, and nothing of theirs is queued
        self.counters.rebalances += 1
        self._owned |= {(p.topic, p.partition) for p in partitions}
        consumer.incremental_assign(starts)
        if self._paused:
            consumer.pause(partitions)
        else:
            consumer.resume(partitions)
        logger.info("assigned %s", sorted((p.topic, p.partition) for p in partitions))

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.counters.rebalances += 1
        gone = {(p.topic, p.partition) for p in partitions}
        self._owned -= gone
        self._moved |= gone
        self._at_end -= gone
        self._queue = deque(m for m in self._queue if (m.topic, m.partition) not in gone)
        consumer.incremental_unassign(partitions)
        logger.info("revoked %s", sorted(gone))
