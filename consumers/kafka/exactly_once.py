"""Exactly once: the outputs and the offsets of one batch in one Kafka transaction.

1. *begin*: open a transaction.
2. *produce*: hand every output to the client.
3. *flush*: wait until all of them are in the log, still invisible to `read_committed` readers.
4. *offsets*: add the offsets after the batch, with the membership under which it was read.
5. *commit*: outputs become visible and offsets move, together or not at all.

Any error before 5 aborts: nothing is visible, the batch can be tried again. An error in 5 whose outcome is unknown is
*settled*: the producer is discarded, a new one with the same id makes the coordinator finish or abort the old
transaction, and the note beside the group's committed offset says which of the two it was.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from ccit.errors import BrokerUnavailable, CcitError, Fenced, TransactionFailed
from ccit.failpoints import failpoint
from consumers.kafka.clients import FORBIDDEN, TRANSACTION_TIMEOUT_MS, KafkaSettings, error_of, producer
from consumers.kafka.commit import BatchAborted, require_writable, to_commit
from consumers.kafka.deadlines import DeadlineExceeded, retried, within
from consumers.kafka.messages import Delivered, GroupOffset, Output
from consumers.kafka.offsets import committed_offsets
from consumers.kafka.receipts import Receipts

logger = logging.getLogger("ccit.kafka")

OPEN_TIMEOUT_S = 60.0
"""A new producer waits this long for its coordinator (seconds): a broker's failover takes up to 10 s, and a new cluster
first creates its transaction log."""

CALL_TIMEOUT_S = 30.0
"""Each later call (seconds): longer than `transaction.timeout.ms`, so that the coordinator decides first."""

OFFSETS_TIMEOUT_S = 10.0
"""Adding offsets (seconds); usually milliseconds. librdkafka 2.16 asks the group coordinator that it remembers; when
that broker is gone from the cluster the call never returns, whatever timeout it was given (its issues 5456 and 5511).
The producer is then discarded: a new one asks anew."""

SETTLE_TIMEOUT_S = 120.0
"""An unknown outcome is asked for this long (seconds); below `max.poll.interval.ms` (300 s), so that the membership
outlives it."""

_FENCED_CODES = frozenset({KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH})


class ExactlyOnce:
    """Outputs and offsets in one Kafka transaction.

    Parameters
    ----------
    transactional_id : str
        Names this writer across restarts. Whoever opens the same id later fences this one: give each replica its own,
        and everyone who must be alone (the trainer) the same.
    alone : bool
        True where the id is shared by those who must be alone. Such a writer opens the id once, at its start: opening
        it again after its producer was lost would fence a newer process that took over meanwhile, and go on from what
        it knew before. It ends instead, and starts again from the topics.

    Raises
    ------
    Fenced
        By every method, once a newer process holds the id.
    TransactionFailed
        When the broker refuses for good.
    BrokerUnavailable
        When no coordinator answers.
    """

    def __init__(self, settings: KafkaSettings, transactional_id: str, *, alone: bool = False) -> None:
        self._settings = settings
        self._id = f"{settings.prefix}{transactional_id}"
        self._alone = alone
        self._producer: Producer | None = None

    def open(self) -> None:
        """Make a producer and take over the id: an older holder is fenced, its open transaction aborted."""
        client = producer(self._settings, self._id)
        try:
            retried(OPEN_TIMEOUT_S, client.init_transactions)
        except KafkaException as problem:
            raise self._final(problem) from problem
        self._producer = client

    def commit(
        self,
        outputs: Sequence[Output],
        offsets: Sequence[GroupOffset],
        consumer: Consumer,
        membership: object | None = None,
    ) -> tuple[Delivered, ...]:
        """Write the outputs and move the group, together or not at all.

        Parameters
        ----------
        offsets : sequence of GroupOffset
            Where the group continues; `next_offsets(messages)`. With none, a commit that gets no answer ends the
            process, for only the group's offsets can tell what became of it.
        consumer : confluent_kafka.Consumer
            The member that read the batch.
        membership : object, optional
            Its `consumer_group_metadata()` from before the batch was read, which the broker checks. Once the client has
            told of a loss (in `poll`) it joins again in the background, and by its membership of now a batch would
            count whose partitions have moved meanwhile. Default: as of now.

        Returns
        -------
        tuple of Delivered
            One per output, in order.

        Raises
        ------
        BatchAborted
            Nothing is visible and no offset moved.
        TransactionFailed
            An output can never be written (too large), so that trying again is pointless.
        """
        if self._producer is None:
            self._require_reopenable()
            self.open()
        note = f"{self._id} {uuid.uuid4().hex}"
        receipts = Receipts(outputs)
        try:
            if membership is None:
                membership = consumer.consumer_group_metadata()
            answered = self._transact(receipts, to_commit(offsets, note), membership)
        except DeadlineExceeded as late:
            self._producer = None  # its successor aborts the transaction that it left open
            raise BatchAborted(f"the group's coordinator did not answer {self._id} in time") from late
        except KafkaException as problem:
            self._abort(error_of(problem))
            require_writable(error_of(problem), receipts, self._settings.bootstrap_servers)
            raise BatchAborted(f"the transaction of {self._id} was aborted: {error_of(problem).str()}") from problem
        if not answered:
            self._settle(to_commit(offsets, note), consumer)
        return receipts.all()

    def close(self) -> None:
        """Let go of the broker; an open transaction is aborted by the next holder of the id, or by its timeout."""
        self._producer = None

    def _transact(self, receipts: Receipts, offsets: list[TopicPartition], membership: object) -> bool:
        """The five steps; False when the commit was sent and no answer came."""
        client = self._opened()
        client.begin_transaction()
        failpoint("commit.begun")
        receipts.produce(client)
        failpoint("commit.produced")
        receipts.flush(client)
        failpoint("commit.flushed")
        if offsets:
            within(
                OFFSETS_TIMEOUT_S,
                lambda: retried(CALL_TIMEOUT_S, lambda t: client.send_offsets_to_transaction(offsets, membership, t)),
            )
        failpoint("commit.offsets_sent")
        try:
            retried(CALL_TIMEOUT_S, client.commit_transaction)
        except KafkaException as problem:
            error = error_of(problem)
            if error.txn_requires_abort() or error.fatal():
                raise
            logger.warning("%s has no answer to a commit (%s)", self._id, error.str())
            return False
        failpoint("commit.done")
        return True

    def _abort(self, cause: KafkaError) -> None:
        """Step back behind *begin*; a producer that cannot even abort is discarded."""
        if cause.fatal():
            raise self._final(KafkaException(cause))
        try:
            retried(CALL_TIMEOUT_S, self._opened().abort_transaction)
        except KafkaException as problem:
            if error_of(problem).fatal():
                raise self._final(problem) from problem
            logger.warning("%s could not abort (%s); its producer is replaced", self._id, error_of(problem).str())
            self._producer = None

    def _settle(self, offsets: list[TopicPartition], consumer: Consumer) -> None:
        """Find out whether a commit without an answer happened; raise `BatchAborted` when it did not."""
        self._producer = None
        if not offsets:
            raise TransactionFailed(
                f"a transaction of {self._id} without offsets got no answer, so nothing tells whether it counts; "
                "start again: the topics say what is there"
            )
        self._require_reopenable()
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        while True:
            try:
                self.open()
                found = committed_offsets(consumer, offsets, CALL_TIMEOUT_S)
                break
            except (BrokerUnavailable, KafkaException) as problem:
                if time.monotonic() > deadline:
                    raise BrokerUnavailable(
                        f"the outcome of a transaction of {self._id} should be known after {SETTLE_TIMEOUT_S:g} s, but "
                        f"no broker answers ({problem}); start again when one does, nothing is lost"
                    ) from problem
        if not all(f.offset == o.offset and f.metadata == o.metadata for f, o in zip(found, offsets, strict=True)):
            raise BatchAborted(f"the transaction of {self._id} was aborted after its commit timed out")

    def _require_reopenable(self) -> None:
        if self._alone:
            raise BrokerUnavailable(
                f"the producer of {self._id} was lost in a fault of the broker, and somebody else may have taken over; "
                "start again, nothing is lost: what was published is on the topics"
            )

    def _opened(self) -> Producer:
        if self._producer is None:
            raise TransactionFailed(f"the producer of {self._id} should be open; call open() first")
        return self._producer

    def _final(self, problem: KafkaException) -> CcitError:
        error = error_of(problem)
        if error.code() in _FENCED_CODES:
            return Fenced(
                f"another process has taken over {self._id!r}, or this one stood still (a paused machine) for longer "
                f"than a transaction may last ({TRANSACTION_TIMEOUT_MS // 1000} s), so it ends: run only one of them; "
                "if there is no other, start it again, nothing is lost"
            )
        if error.retriable() or error.code() in (KafkaError._TIMED_OUT, KafkaError._TRANSPORT):
            return BrokerUnavailable(
                f"the transaction coordinator at {self._settings.bootstrap_servers} should answer {self._id}, "
                f"but {error.str()}; check the broker and start again, nothing is lost"
            )
        remedy = "grant it on the broker" if error.code() in FORBIDDEN else "start again, nothing is lost"
        return TransactionFailed(f"the broker refused the transactions of {self._id} for good: {error.str()}; {remedy}")
