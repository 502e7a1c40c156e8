"""Which refusals of a write end the process, and what the sentence then says to do."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from ccit.errors import TransactionFailed
from consumers.kafka.clients import FORBIDDEN
from consumers.kafka.commit import require_writable
from consumers.kafka.messages import Output
from consumers.kafka.receipts import Receipts


class Refuses(Producer):
    """A client that takes nothing."""

    def __init__(self, code: int) -> None:
        super().__init__({"bootstrap.servers": "localhost:1", "log_level": 0})
        self._code = code

    def produce(self, *_: object, **__: object) -> None:
        raise KafkaException(KafkaError(self._code))


def refused(code: int) -> Receipts:
    receipts = Receipts([Output("ccit.rejects", b"k", b"{}")])
    with pytest.raises(KafkaException):
        receipts.produce(Refuses(code))
    return receipts


@pytest.mark.parametrize("code", sorted(FORBIDDEN))
def test_a_forbidden_write_ends_with_its_sentence(code: int) -> None:
    """No retry heals it, and an aborted batch every few seconds tells nobody."""
    with pytest.raises(TransactionFailed, match=r"topic ccit\.rejects should take .*: grant it on the broker"):
        require_writable(KafkaError(code), refused(code), "broker:9092")


def test_what_heals_by_itself_is_tried_again() -> None:
    code = KafkaError.NOT_LEADER_FOR_PARTITION
    require_writable(KafkaError(code), refused(code), "broker:9092")
