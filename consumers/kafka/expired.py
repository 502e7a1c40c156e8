"""Messages that retention has deleted before they were read: which they are, and reading on behind them.

By default librdkafka begins at the oldest message that is left, and only its log says so. With
`auto.offset.reset = error` it tells the reader the offset that is gone, and waits.
"""

from __future__ import annotations

import logging

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition
from confluent_kafka import Message as ClientMessage

from consumers.kafka.clients import error_of
from consumers.kafka.messages import EXPIRED, KafkaMessage, ReadFault

logger = logging.getLogger("ccit.kafka")

_ASK_S = 5.0  # longest wait for the partition's first and last offset


def read_on(raw: ClientMessage, consumer: Consumer) -> KafkaMessage | None:
    """Read on at the oldest message that is left, after an error `_AUTO_OFFSET_RESET`.

    Returns
    -------
    KafkaMessage or None
        One message without key, value or headers, which stands for all offsets that are gone. None where nothing is:
        the offset lies behind the end of the log (the topic was made anew, and is read from its beginning), or the
        broker did not answer (then the error comes again).
    """
    topic, partition, at = str(raw.topic()), int(raw.partition() or 0), int(raw.offset() or 0)
    if at < 0:  # nothing was committed: there is no offset that could be gone
        _restart(consumer, topic, partition, OFFSET_BEGINNING)
        return None
    where = TopicPartition(topic, partition)
    try:
        first, end = consumer.get_watermark_offsets(where, timeout=_ASK_S)
        _restart(consumer, topic, partition, OFFSET_BEGINNING if at > end else max(at, first))
    except KafkaException as problem:
        logger.warning("what %s[%d] still holds is unknown: %s", topic, partition, error_of(problem).str())
        _restart(consumer, topic, partition, at)
        return None
    if at > end:
        logger.warning(
            "%s[%d] ends at offset %d, but was read up to %d: it was made anew, and is read from its beginning",
            *(topic, partition, end, at),
        )
    return _lost(topic, partition, at, first) if at < first else None


def _restart(consumer: Consumer, topic: str, partition: int, at: int) -> None:
    """The client has stopped fetching, and refuses a `seek` then; what is assigned anew is fetched."""
    try:
        consumer.incremental_unassign([TopicPartition(topic, partition)])
        consumer.incremental_assign([TopicPartition(topic, partition, at)])
    except KafkaException as problem:  # it has just been taken away: whoever has it now meets the same error
        logger.info("reading on in %s[%d]: %s", topic, partition, error_of(problem).str())


def _lost(topic: str, partition: int, first: int, end: int) -> KafkaMessage:
    what = f"offsets {first} to {end - 1}"
    logger.error(
        "%s[%d]: retention has deleted %s before they were read, at most %d messages; "
        "raise the topic's retention.ms, or read faster (more scorers)",
        *(topic, partition, what, end - first),
    )
    fault = ReadFault(
        EXPIRED,
        f"expected messages at {what}, but the topic's retention has deleted them; raise retention.ms or read faster",
        lost=f"nothing of {what} is left, at most {end - first} messages; sizes and digests unknown",
    )
    return KafkaMessage(topic, partition, first, None, None, fault=fault, offset_count=end - first)
