"""The loop: read a batch, step, commit; and what happens when commits fail or a signal comes.

One turn of the loop, the same words as in the code:

1. *read*: poll until `batch_size` messages, `batch_bytes` bytes or `linger_ms` milliseconds (`member.py`); fewer
   messages where they would take longer to decide than `step_s` seconds (`pace.py`).
2. *step*: decide, in a thread of its own. When it is slow, this thread keeps polling with everything paused, so the
   group keeps this member and a rebalance is answered at once.
3. *commit*: outputs and offsets by the commit protocol (`commit.py`).
4. *tell*: `on_committed` with the position of every output; only now may the caller's state change.

When the commit aborts, or a partition of the batch is taken away before it: `on_aborted`, what is still ours goes back
to the front of the queue *in memory*, and the loop turns again. Nothing is skipped, because offsets move in the commit
alone; nothing is done twice, because a batch is committed under the membership that read it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ccit.failpoints import failpoint
from consumers.kafka.backlog import BacklogWatch
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.commit import BatchAborted, CommitProtocol
from consumers.kafka.member import Member
from consumers.kafka.messages import EXPIRED, Delivered, KafkaMessage, Output, next_offsets
from consumers.kafka.pace import Pace
from consumers.kafka.stepper import Job, Stepper

logger = logging.getLogger("ccit.kafka")

Step = Callable[[Sequence[KafkaMessage]], Sequence[Output]]

_SLOW_STEP_S = 1.0  # pausing drops what was fetched ahead, so quick steps go without
_PAUSED_POLL_S = 0.1
_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S = 0.1, 5.0  # far below max.poll.interval.ms (300 s)


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """When a batch is full.

    Parameters
    ----------
    batch_size : int
        Messages; a transaction costs 4 to 15 ms whatever its size, so hundreds pay (benchmarks/transactions.py).
    linger_ms : int
        Milliseconds to wait for more once the first has come.
    batch_bytes : int
        Payload bytes: a burst of huge messages must not fill the memory.
    step_s : float
        Seconds that a batch should take to be decided; a slow step gets fewer messages. Infinite: `batch_size` alone.
    grace_s : float
        Seconds a running step may still take after a stop; then its batch is dropped, uncommitted.
    """

    batch_size: int = 500
    linger_ms: int = 100
    batch_bytes: int = 32 * 1024 * 1024
    step_s: float = 5.0
    grace_s: float = 10.0


@dataclass(slots=True)
class Counters:
    """What the loop has done since it began; read by metrics."""

    batches: int = 0
    messages: int = 0
    expired: int = 0  # offsets that retention deleted before they were decided
    outputs: int = 0
    aborted: int = 0
    rebalances: int = 0
    step_seconds: float = 0.0
    commit_seconds: float = 0.0


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
        Called before every read, idle or not: here other topics are followed. Also called after partitions have
        come (`counters.rebalances` has grown) and before the first step over anything of theirs.
    meanwhile : callable
        Called in the loop's thread about ten times a second while a slow step runs: a small machine may take minutes.
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
        meanwhile: Callable[[], None] = _nothing,
    ) -> None:
        self.counters = Counters()
        self.abandoned = False  # a step outlasts a stop's grace: it runs on, and what it uses is not to be touched
        self.observers: list[Callable[[Sequence[Delivered]], None]] = []  # told after `on_committed`
        self.backlog = BacklogWatch(settings)
        self._settings = settings
        self._group = f"{settings.prefix}{group}"
        self._topics = list(topics)
        self._stepper = Stepper(step)
        self._commit = commit
        self._limits = limits or BatchLimits()
        self._pace = Pace(self._limits.batch_size, self._limits.step_s)
        self._on_committed = on_committed
        self._on_aborted = on_aborted
        self._between = between
        self._meanwhile = meanwhile
        self._stop = threading.Event()
        self.in_hand: Sequence[KafkaMessage] = ()  # read, not decided
        self.waiting = 0  # read, and in no batch yet
        self._failures = 0

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
        member = self._join()
        try:
            while not self._stop.is_set():
                self._between()
                self._look(member)
                member.batch_size = self._pace.size
                batch = member.read()
                if batch:
                    self.in_hand = batch
                    self._turn(member, batch)
                    self.in_hand = ()
        finally:
            self._stepper.close()
            member.close()
            self._commit.close()

    def _join(self) -> Member:
        return Member(
            self._settings,
            self._group,
            self._topics,
            batch_size=self._pace.size,
            batch_bytes=self._limits.batch_bytes,
            linger_s=self._limits.linger_ms / 1000,
            watch=self.backlog,
            on_moved=self._count_move,
            stopped=self._stop.is_set,
        )

    def _count_move(self) -> None:
        self.counters.rebalances += 1

    def _look(self, member: Member) -> None:
        self.waiting = len(member.queued)
        self.backlog.look((*self.in_hand, *member.queued))

    def _turn(self, member: Member, batch: list[KafkaMessage]) -> None:
        failpoint("batch.read")
        began = time.monotonic()
        outputs = self._stepped(member, batch)
        stepped = time.monotonic()
        self._pace.took(len(batch), stepped - began)
        self.counters.step_seconds += stepped - began
        if outputs is None:
            self._put_back(member, batch, "partitions moved or a stop came while it was decided")
            return
        failpoint("batch.stepped")
        offsets = next_offsets(batch)
        try:
            delivered = self._commit.commit(outputs, offsets, member.consumer, member.membership)
        except BatchAborted as aborted:
            self._put_back(member, batch, str(aborted))
            self._back_off()
            return
        member.committed(offsets)
        failpoint("batch.committed")
        self.counters.commit_seconds += time.monotonic() - stepped
        self._failures = 0
        self.counters.batches += 1
        self.counters.messages += len(batch)
        self.counters.expired += sum(m.offset_count for m in batch if m.fault is not None and m.fault.reason == EXPIRED)
        self.counters.outputs += len(delivered)
        self._on_committed(delivered)
        for observe in self.observers:
            observe(delivered)
        failpoint("batch.told")

    def _stepped(self, member: Member, batch: list[KafkaMessage]) -> Sequence[Output] | None:
        """The step's outputs; None when the batch is no longer ours to commit."""
        job = self._stepper.begin(batch)
        if not job.wait(_SLOW_STEP_S):
            if not self._stay_while(member, job):
                return None
            if not all(member.ours(message) for message in batch):
                return None
        return job.result()

    def _stay_while(self, member: Member, job: Job) -> bool:
        """Stay in the group while a step runs; False when a stop came and the grace is over."""
        stopped_at: float | None = None
        with member.paused():
            while not job.wait(_PAUSED_POLL_S):
                member.stay()
                self._look(member)
                self._meanwhile()
                if self._stop.is_set():
                    stopped_at = stopped_at or time.monotonic()
                    if time.monotonic() - stopped_at > self._limits.grace_s:
                        self.abandoned = True
                        return False
        return True

    def _put_back(self, member: Member, batch: list[KafkaMessage], why: str) -> None:
        self.counters.aborted += 1
        logger.info("a batch of %d is put back: %s", len(batch), why)
        member.put_back(batch)
        if not self.abandoned:
            self._on_aborted()

    def _back_off(self) -> None:
        until = time.monotonic() + min(_FIRST_BACKOFF_S * 2**self._failures, _LONGEST_BACKOFF_S)
        while not self._stop.is_set() and time.monotonic() < until:
            time.sleep(_PAUSED_POLL_S)  # not `wait`: `set` in a signal handler of this thread would lock up inside it
        self._failures = min(self._failures + 1, 10)
