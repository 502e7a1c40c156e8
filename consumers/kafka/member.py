"""A member of a consumer group: what it owns, what it has read ahead, and how partitions come and go.

A partition that arrives while all are paused is paused too, and one that arrives later is resumed (flags survive).
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from confluent_kafka import Consumer, KafkaError, TopicPartition

from ccit.errors import BrokerUnavailable, CcitError, TransactionFailed
from consumers.kafka.backlog import BacklogWatch
from consumers.kafka.clients import FORBIDDEN, KafkaSettings, group_consumer
from consumers.kafka.deadlines import leave
from consumers.kafka.intake import Intake, PartitionEnd
from consumers.kafka.messages import GroupOffset, KafkaMessage, PartitionId
from consumers.kafka.offsets import start_offsets

logger = logging.getLogger("ccit.kafka")

_IDLE_POLL_S = 0.25  # how late a stop or a tick may be noticed while nothing arrives
_HAND_OVER_S = 1.0
"""Until the group tells the last commit (seconds); usually one answer. Without a broker nobody can take over either. A
question begun just before is still waited for: twice that in all, within the time that leaving may take."""


class Member:
    """Reads batches for as long as its partitions are its own. All methods are for one thread.

    Parameters
    ----------
    group : str
        With its prefix.
    topics : sequence of str
        Full names to read.
    batch_size, batch_bytes : int
        A batch is full with that many messages, or that many bytes of payload.
    linger_s : float
        Seconds to wait for more once the first has come.
    watch : BacklogWatch
        Told what was read, and of partitions that come and go.
    on_moved : callable
        Called when partitions have come or gone.
    stopped : callable
        Whether this member is about to leave; it then takes no partitions any more.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        group: str,
        topics: Sequence[str],
        *,
        batch_size: int,
        batch_bytes: int,
        linger_s: float,
        watch: BacklogWatch,
        on_moved: Callable[[], None],
        stopped: Callable[[], bool],
    ) -> None:
        self._group = group
        self._topics = list(topics)
        self.batch_size = batch_size  # of the next batch
        self._batch_bytes, self._linger_s = batch_bytes, linger_s
        self._watch = watch
        self._on_moved = on_moved
        self._stopped = stopped
        self._owned: set[PartitionId] = set()
        self._moved: set[PartitionId] = set()  # taken away since the batch was read, even if they came back
        self._moves = 0
        self._committed: dict[PartitionId, int] = {}  # where this member itself has moved the group
        self._queue: deque[KafkaMessage] = deque()
        self._intake = Intake(settings, ", ".join(topics), self._refused)
        self._paused = False
        self.membership: object = None  # under which the batch was read; see `ExactlyOnce.commit`
        self.consumer = group_consumer(settings, group, mark_ends=True)
        self.consumer.subscribe(self._topics, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)

    @property
    def queued(self) -> Sequence[KafkaMessage]:
        """What was read, or put back, and is in no batch."""
        return self._queue

    def close(self) -> None:
        """Leave the group."""
        leave(self.consumer)

    # -- read ---------------------------------------------------------------------------------------------------

    def read(self) -> list[KafkaMessage]:
        """The next batch: what was put back, then what comes, until it is full or the linger is over.

        Empty when nothing came, and when partitions moved: what came of them meanwhile waits in the queue, so that the
        caller can get ready for them first.

        Raises
        ------
        TransactionFailed, BrokerUnavailable
            The group refused this member for good.
        """
        self.membership = self.consumer.consumer_group_metadata()
        self._moved.clear()
        before = self._moves
        if self._full(len(self._queue), self._queued_bytes()):
            with self.paused():  # rebalances are answered; what was fetched ahead is dropped, not queued on top
                self._poll(0.0)
        else:
            self._poll(0.0 if self._queue else _IDLE_POLL_S)
            self._linger()
        return self._take() if self._moves == before else []

    def _linger(self) -> None:
        deadline = time.monotonic() + self._linger_s
        size = self._queued_bytes()
        while self._queue and not self._full(len(self._queue), size):
            left_s, held = deadline - time.monotonic(), len(self._queue)
            if left_s <= 0 or not self._poll(left_s):
                break
            size += self._queue[-1].size_bytes if len(self._queue) > held else 0

    def _take(self) -> list[KafkaMessage]:
        """One batch's worth from the front of the queue."""
        batch: list[KafkaMessage] = []
        size = 0
        while self._queue and not self._full(len(batch), size):
            batch.append(self._queue.popleft())
            size += batch[-1].size_bytes
        return batch

    def _full(self, count: int, size: int) -> bool:
        return count >= self.batch_size or size >= self._batch_bytes

    def _queued_bytes(self) -> int:
        return sum(message.size_bytes for message in self._queue)

    def _poll(self, timeout_s: float) -> bool:
        """Serve callbacks and queue at most one message; False when the time passed without any."""
        raw = self.consumer.poll(timeout_s)
        if raw is None:
            return False
        found = self._intake.sort(raw, self.consumer, self._owned.__contains__)
        if isinstance(found, PartitionEnd):
            self._watch.ended(found.partition_id, found.offset)
        elif found is not None:  # one with a fault is one dead letter, in the transaction that moves past it
            self._queue.append(found)
            self._watch.read(found)
        return True

    def _refused(self, error: KafkaError) -> CcitError:
        if error.code() in FORBIDDEN:
            return BrokerUnavailable(
                f"group {self._group} should be allowed to read {', '.join(self._topics)}, but {error.str()}; "
                "grant it on the broker"
            )
        return TransactionFailed(f"group {self._group} refused this member for good: {error.str()}; start again")

    # -- between read and commit --------------------------------------------------------------------------------

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Fetch nothing while the block runs, whatever comes."""
        self._paused = True
        self.consumer.pause(self.consumer.assignment())
        try:
            yield
        finally:
            self._paused = False
            self.consumer.resume(self.consumer.assignment())

    def stay(self) -> None:
        """Answer the group while a batch is decided (`paused`), and keep the membership that stands for it."""
        before, membership = self._moves, self.consumer.consumer_group_metadata()
        if not self._poll(0.0) and self._moves == before:  # nothing waits to be told: what is ours is the same
            self.membership = membership

    def ours(self, message: KafkaMessage) -> bool:
        """Whether a message of the batch will not be read again: a partition that came back starts at its offset."""
        return message.partition_id in self._owned and message.partition_id not in self._moved

    def put_back(self, batch: Sequence[KafkaMessage]) -> None:
        """What is still ours returns to the front of the queue; the rest belongs to another member."""
        self._queue.extendleft(message for message in reversed(batch) if self.ours(message))

    def committed(self, offsets: Sequence[GroupOffset]) -> None:
        """The group has moved there: it never continues before that."""
        self._committed |= {(one.topic, one.partition): one.offset for one in offsets}

    # -- partitions come and go (called inside poll) --------------------------------------------------------------

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        starts = start_offsets(consumer, partitions, self._stopped, at_least=self._committed)
        if starts is None:
            return  # leaving: the client takes them over by itself, and nothing of theirs is queued
        self._moves += 1
        self._owned |= {(p.topic, p.partition) for p in partitions}
        self._watch.assigned(starts)
        consumer.incremental_assign(starts)
        if self._paused:
            consumer.pause(partitions)
        else:
            consumer.resume(partitions)
        self._on_moved()
        logger.info("assigned %s", sorted((p.topic, p.partition) for p in partitions))

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Whoever gets them next asks once this has returned: so it waits until the group tells what was committed."""
        ours = [place for place in partitions if (place.topic, place.partition) in self._committed]
        try:
            if ours:
                start_offsets(consumer, ours, timeout_s=_HAND_OVER_S, at_least=self._committed)
        except BrokerUnavailable as problem:
            logger.warning("partitions are handed over unseen: %s", problem)
        self._lost(consumer, partitions)

    def _lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._moves += 1
        gone = {(p.topic, p.partition) for p in partitions}
        self._owned -= gone
        self._moved |= gone
        self._intake.forget(gone)
        self._watch.revoked(gone)
        self._queue = deque(message for message in self._queue if message.partition_id not in gone)
        consumer.incremental_unassign(partitions)
        self._on_moved()
        logger.info("revoked %s", sorted(gone))
