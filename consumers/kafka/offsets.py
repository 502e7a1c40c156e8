"""Where a group continues: its committed offsets, asked for until they are stable.

A partition whose last reader died in the middle of a transaction has no stable offset until the broker aborts that
transaction (KIP-447). librdkafka 2.16 waits for it, but when any other partition comes or goes meanwhile, it takes
"not stable yet" for "none committed" and starts at `auto.offset.reset`: at the beginning, so that everything in that
partition would be decided twice (`rd_kafka_assignment_apply_offsets`; `tests/integration/kafka/test_offsets.py` shows
it). Members therefore ask here and hand the answer to `incremental_assign`.

A member also knows what it has committed itself. An answer that lies behind that is none: it is asked again. A commit
is answered before its markers are written, and a member that is missed by its group at that very moment joins again and
asks. Kafka 4 then looks whether a commit is pending as of its last written record, but reads the offset as of the last
one that all replicas have (`OffsetMetadataManager.fetchOffsets`): between the two it tells the offset before as a
stable one, and a batch would be decided twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]  # a public name its stubs do not re-export

from ccit.errors import BrokerUnavailable
from consumers.kafka.clients import error_of, is_final
from consumers.kafka.messages import PartitionId

START_TIMEOUT_S = 120.0
"""Asked for so long (seconds): an orphaned transaction lives `transaction.timeout.ms` (20 s) and up to 10 s until the
broker looks for it, and a failover may come on top. Below `max.poll.interval.ms` (300 s), for a member waits in it."""

LATEST = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # its stubs forget the annotation
"""For `AdminClient.list_offsets`: the end of a partition."""

_PAUSE_S = 0.1
_ASK_S = 2.0  # one question; a stop is noticed between two


_NONE_KNOWN: Mapping[PartitionId, int] = MappingProxyType({})


def _never() -> bool:
    """Default of `stopped`."""
    return False


def committed_offsets(
    consumer: Consumer, partitions: Sequence[TopicPartition], timeout_s: float
) -> list[TopicPartition]:
    """The group's offsets and their notes, in the order asked; a negative offset where there is none.

    Raises
    ------
    KafkaException
        When any of them could not be told, an unstable one among them.
    """
    found = consumer.committed(list(partitions), timeout=timeout_s)
    for one in found:
        if one.error is not None:
            raise KafkaException(one.error)
    return found


def start_offsets(
    consumer: Consumer,
    partitions: Sequence[TopicPartition],
    stopped: Callable[[], bool] = _never,
    timeout_s: float = START_TIMEOUT_S,
    *,
    at_least: Mapping[PartitionId, int] = _NONE_KNOWN,
) -> list[TopicPartition] | None:
    """Where to begin to read, for `incremental_assign`: the committed offset, or the beginning where there is none.

    Parameters
    ----------
    stopped : callable
        Asked every other second; True ends the wait.
    at_least : Mapping[PartitionId, int]
        What was committed already, as far as it is known.

    Returns
    -------
    list of TopicPartition or None
        In the order asked; None after a stop.

    Raises
    ------
    BrokerUnavailable
        When the offsets did not become stable in `timeout_s` seconds, or may not be read.
    """
    deadline = time.monotonic() + timeout_s
    while not stopped():
        why, final, cause = "", False, None
        try:
            found = committed_offsets(consumer, partitions, min(_ASK_S, timeout_s))
        except KafkaException as problem:
            why, final, cause = error_of(problem).str(), is_final(error_of(problem)), problem
        else:
            behind = [f for f in found if f.offset < at_least.get((f.topic, f.partition), f.offset)]
            if not behind:
                return [
                    TopicPartition(f.topic, f.partition, f.offset if f.offset >= 0 else OFFSET_BEGINNING) for f in found
                ]
            why = f"{behind[0].topic}[{behind[0].partition}] is told behind what was committed here"
        if final or time.monotonic() > deadline:
            raise BrokerUnavailable(
                f"the group's offsets should be readable and stable within {timeout_s:g} s, but {why}; "
                "check the broker and start again, nothing is lost"
            ) from cause
        time.sleep(_PAUSE_S)  # some refusals come at once
    return None
