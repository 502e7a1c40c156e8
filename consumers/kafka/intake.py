"""What a client hands to a reader, sorted: messages, ends of partitions, stretches without messages, and errors.

All of them arrive alike, from `poll` or `consume`. Every reader (members of groups, followers, the trainer) sorts them
here, so that none lives on after an error that ends the others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError
from confluent_kafka import Message as ClientMessage

from ccit.errors import CcitError
from consumers.kafka import expired
from consumers.kafka.clients import KafkaSettings, is_final
from consumers.kafka.messages import KafkaMessage, PartitionId, received
from consumers.kafka.oversized import OversizedBatches

logger = logging.getLogger("ccit.kafka")


@dataclass(frozen=True, slots=True)
class PartitionEnd:
    """Everything before `offset` has been read."""

    partition_id: PartitionId
    offset: int


def _any(_: PartitionId) -> bool:
    """Default of `ours`."""
    return True


class Intake:
    """Sorts for one reader.

    Parameters
    ----------
    what : str
        What is read, for the log.
    refused : callable
        The exception that ends the reader, for an error that no retry heals.
    """

    def __init__(self, settings: KafkaSettings, what: str, refused: Callable[[KafkaError], CcitError]) -> None:
        self._what = what
        self._refused = refused
        self._oversized = OversizedBatches(settings)

    def sort(
        self, raw: ClientMessage, consumer: Consumer, ours: Callable[[PartitionId], bool] = _any
    ) -> KafkaMessage | PartitionEnd | None:
        """One thing that was handed over.

        Parameters
        ----------
        ours : callable
            Whether a partition is still this reader's: what comes of another is passed over.

        Returns
        -------
        KafkaMessage, PartitionEnd or None
            A `KafkaMessage` with a `fault` stands for what cannot be had: a batch that cannot be decompressed, or
            messages that retention has deleted. None for what heals by reading on, which is logged.

        Raises
        ------
        CcitError
            What `refused` makes of an error that no retry heals.
        """
        error = raw.error()
        if error is not None and is_final(error):
            raise self._refused(error)
        partition = (str(raw.topic()), int(raw.partition() or 0))
        if error is None:
            return received(raw) if ours(partition) else None
        code = error.code()
        if code == KafkaError._PARTITION_EOF:
            return PartitionEnd(partition, int(raw.offset() or 0))
        if code == KafkaError._BAD_COMPRESSION:
            return self._oversized.skip(raw, consumer) if ours(partition) else None
        if code == KafkaError._AUTO_OFFSET_RESET:
            return expired.read_on(raw, consumer) if ours(partition) else None
        logger.warning("reading %s: %s", self._what, error.str())
        return None

    def forget(self, partitions: Collection[PartitionId]) -> None:
        """Partitions are another reader's now."""
        self._oversized.forget(partitions)
