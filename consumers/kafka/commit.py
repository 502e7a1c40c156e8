"""The commit protocol: how outputs and offsets become facts. Nobody else begins, produces or commits.

Two keep it: `ExactlyOnce` where the broker has transactions, `AtLeastOnce` where it has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from confluent_kafka import Consumer, KafkaError, TopicPartition

from ccit.errors import CcitError, TransactionFailed
from consumers.kafka.clients import FORBIDDEN, MAX_MESSAGE_BYTES
from consumers.kafka.messages import Delivered, GroupOffset, Output
from consumers.kafka.receipts import NEVER_WRITABLE, Receipts
from consumers.kafka.topic_settings import command


class BatchAborted(CcitError):
    """Nothing of the batch counts: it can be tried again."""


class CommitProtocol(Protocol):
    """How outputs and offsets become facts."""

    def open(self) -> None:
        """Connect; ends whatever an earlier holder of the same id left open."""

    def commit(
        self,
        outputs: Sequence[Output],
        offsets: Sequence[GroupOffset],
        consumer: Consumer,
        membership: object | None = None,
    ) -> tuple[Delivered, ...]:
        """Write the outputs and move the group to `offsets`; raises `BatchAborted` when neither counts."""

    def close(self) -> None:
        """Let go of the broker."""


def require_writable(error: KafkaError, receipts: Receipts, servers: str) -> None:
    """Return when a refusal may heal: some come again every time, and trying again would spin for ever.

    Raises
    ------
    TransactionFailed
        It never heals by itself; the sentence says what does.
    """
    if error.code() not in NEVER_WRITABLE | FORBIDDEN:
        return
    topic = receipts.refused.topic if receipts.refused else "a topic"
    raise TransactionFailed(
        f"topic {topic} should take what is written to it, but {error.str()}; nothing of the batch was written: "
        + _remedy(error, receipts.refused, topic, servers)
    )


def _remedy(error: KafkaError, refused: Output | None, topic: str, servers: str) -> str:
    if error.code() in FORBIDDEN:
        return "grant it on the broker"
    if error.code() == KafkaError.INVALID_TIMESTAMP:
        return "check this machine's clock, a broker refuses times more than an hour ahead of its own"
    if error.code() == KafkaError.INVALID_RECORD:
        return "a compacted topic refuses messages without a key; check the topic's cleanup.policy"
    size = len(refused.value or b"") + len(refused.key or b"") if refused else 0
    if size > MAX_MESSAGE_BYTES:
        return f"it has {size} bytes and {MAX_MESSAGE_BYTES} are the most for any topic; mend the step that made it"
    return f"raise its limit: {command(topic, {'max.message.bytes': str(MAX_MESSAGE_BYTES)}, servers)}"


def to_commit(offsets: Sequence[GroupOffset], note: str = "") -> list[TopicPartition]:
    """As the client wants them, with a note that the group's coordinator keeps beside each."""
    return [TopicPartition(one.topic, one.partition, one.offset, note) for one in offsets]
