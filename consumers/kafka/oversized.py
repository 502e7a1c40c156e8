"""An oversized batch, one that the client cannot decompress: where it ends, so that one can read on behind it.

Messages travel and lie in batches, and a batch is compressed as a whole. The broker looks at its compressed size; where
it decompresses to more than librdkafka takes (zstd: 100 MB), the client says `_BAD_COMPRESSION` with the batch's first
offset, again and again, and the partition stands still. It does not say where the batch ends. To read at any offset
inside the batch gives the same error with the same first offset; to read behind it gives something else. So the end is
searched for, in doubling steps and then by halves: one attempt for a batch of one message, about 20 for one of 1,000.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as ClientMessage

from consumers.kafka.clients import KafkaSettings, error_of, reader
from consumers.kafka.messages import KafkaMessage, PartitionId, ReadFault

logger = logging.getLogger("ccit.kafka")

_SEARCH_S = 60.0
"""Longest search (seconds), below `max.poll.interval.ms` (300 s): a member waits in it. One that did not end is made
anew, since the client says the error again."""

_ASK_S = 5.0
"""Longest wait for one answer (seconds); decompressing 100 MB takes 40 ms."""


class _Unanswered(Exception):
    """The broker did not say what is at an offset."""


class OversizedBatches:
    """Those that one consumer has met."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._behind: dict[PartitionId, int] = {}

    def skip(self, raw: ClientMessage, consumer: Consumer) -> KafkaMessage | None:
        """Read on behind the batch that an error `_BAD_COMPRESSION` names.

        Returns
        -------
        KafkaMessage or None
            The batch as one message without key, value or headers, which stands for all its offsets. None when it was
            returned before (after a pause the client takes up where it was last given something, and says the error
            again), and when the broker did not answer: then the error will come again too.
        """
        where, first = (str(raw.topic()), int(raw.partition() or 0)), int(raw.offset() or 0)
        batch = None
        if first >= self._behind.get(where, 0):
            batch = _batch_at(self._settings, where, first)
            if batch is None:
                return None
            self._behind[where] = batch.next_offset
        self._seek(where, consumer)
        return batch

    def forget(self, partitions: Collection[PartitionId]) -> None:
        """Partitions are another member's now; if they come back, they are read from where the group is."""
        for where in partitions:
            self._behind.pop(where, None)

    def _seek(self, where: PartitionId, consumer: Consumer) -> None:
        try:
            consumer.seek(TopicPartition(*where, self._behind[where]))
        except KafkaException as problem:  # the partition is just being moved or started: the error comes again
            logger.info("reading on behind an oversized batch in %s[%d]: %s", *where, error_of(problem).str())


def _batch_at(settings: KafkaSettings, where: PartitionId, first: int) -> KafkaMessage | None:
    client = reader(settings, f"{settings.prefix}follower", mark_ends=True)
    try:
        end = _Search(client, TopicPartition(*where, first)).end()
    except _Unanswered as unanswered:
        logger.warning("%s[%d]@%d cannot be decompressed, and where it ends is unknown: %s", *where, first, unanswered)
        return None
    finally:
        client.close()
    what = f"offset {first}" if end == first + 1 else f"offsets {first} to {end - 1}, one compressed batch,"
    fault = ReadFault(
        "too_large",
        f"expected what the client can decompress (zstd: 100 MB), but {what} cannot be, or is damaged; send it smaller",
        lost=f"nothing of {what} could be decompressed; sizes and digests unknown",
    )
    return KafkaMessage(*where, first, None, None, fault=fault, offset_count=end - first)


class _Search:
    """Looks for the first offset behind a batch."""

    def __init__(self, client: Consumer, first: TopicPartition) -> None:
        self._client = client
        self._first = first
        self._deadline = time.monotonic() + _SEARCH_S

    def end(self) -> int:
        """The first offset behind it; raises `_Unanswered`."""
        last = self._log_end()
        inside, step = self._first.offset, 1
        while (outside := min(inside + step, last)) < last and self._holds(outside):
            inside, step = outside, 2 * step
        while outside - inside > 1:
            middle = (inside + outside) // 2
            if self._holds(middle):
                inside = middle
            else:
                outside = middle
        return outside

    def _log_end(self) -> int:
        try:
            _, end = self._client.get_watermark_offsets(self._first, timeout=_ASK_S)
        except KafkaException as problem:
            raise _Unanswered(error_of(problem).str()) from problem
        return end

    def _holds(self, offset: int) -> bool:
        """Whether the batch reaches over this offset."""
        self._client.assign([TopicPartition(self._first.topic, self._first.partition, offset)])
        until = min(time.monotonic() + _ASK_S, self._deadline)
        while (left_s := until - time.monotonic()) > 0:
            raw = self._client.poll(left_s)
            if raw is None:
                continue
            error = raw.error()
            if error is None or error.code() == KafkaError._PARTITION_EOF:
                return False
            if error.code() == KafkaError._BAD_COMPRESSION:
                return raw.offset() == self._first.offset
        raise _Unanswered(f"no answer for offset {offset}")
