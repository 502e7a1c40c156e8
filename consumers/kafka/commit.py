"""The commit protocol: how outputs and offsets become facts. Nobody else begins, produces or commits.

Two keep it: `ExactlyOnce` where the broker has transactions, `AtLeastOnce` where it has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from confluent_kafka import Consumer, KafkaError, TopicPartition

from ccit.errors import CcitError, TransactionFailed
from consumers.kafka.clients import MAX_MESSAGE_BYTES
from consumers.kafka.messages import Delivered, Output, Position


class BatchAborted(CcitError):
    """Nothing of the batch counts: it can be tried again."""


class CommitProtocol(Protocol):
    """How outputs and offsets become facts."""

    def open(self) -> None:
        """Connect; ends whatever an earlier holder of the same id left open."""

    def commit(
        self,
        outputs: Sequence[Output],
        positions: Sequence[Position],
        consumer: Consumer,
        membership: object | None = None,
    ) -> tuple[Delivered, ...]:
        """Write the outputs and move the group to `positions`; raises `BatchAborted` when neither counts."""

    def close(self) -> None:
        """Let go of the broker."""


def require_writable(error: KafkaError) -> None:
    """An output above the broker's limit fails every time: trying again would spin for ever."""
    if error.code() in (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_RECORD):
        raise TransactionFailed(
            f"every output should be at most {MAX_MESSAGE_BYTES} bytes and acceptable to its topic, but {error.str()}; "
            "nothing of its batch was written; mend the step that made it"
        )


def to_commit(positions: Sequence[Position], note: str = "") -> list[TopicPartition]:
    """As the client wants them, with a note that the group's coordinator keeps beside each."""
    return [TopicPartition(place.topic, place.partition, place.offset, note) for place in positions]
