"""What is said when not every row can be published, on the embedded broker."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException

from ccit.errors import BrokerUnavailable
from consumers import feed as feed_module
from consumers.feed import Feeder, Raw
from consumers.kafka.clients import MAX_MESSAGE_BYTES, KafkaSettings


def test_a_row_above_the_clients_limit_is_named_in_one_sentence_and_the_rest_is_sent(settings: KafkaSettings) -> None:
    feeder = Feeder(settings)
    rows = [Raw(b"1", b"{}"), Raw(b"2", bytes(MAX_MESSAGE_BYTES + 1)), Raw(b"3", b"{}")]
    with pytest.raises(BrokerUnavailable, match=r"2 of 3 messages reached .*too large.*; leave out what is too large"):
        feeder.send(rows)
    assert feeder.confirmed == 2


class Failing:
    """A client that refuses each message, for a reason of its own."""

    def __init__(self, *codes: int) -> None:
        self._codes = list(codes)

    def produce(self, *_: object, **__: object) -> None:
        raise KafkaException(KafkaError(self._codes.pop(0)))

    def flush(self, _: float) -> int:
        return 0


@pytest.mark.parametrize(
    ("codes", "advice"),
    [
        ([KafkaError._FATAL, KafkaError._FATAL], "; feed the rest again"),
        ([KafkaError._FATAL, KafkaError.MSG_SIZE_TOO_LARGE], "; leave out what is too large"),
        ([KafkaError.MSG_SIZE_TOO_LARGE, KafkaError._FATAL], "; leave out what is too large"),
    ],
)
def test_the_advice_fits_the_cause(monkeypatch: pytest.MonkeyPatch, codes: list[int], advice: str) -> None:
    """Others may fail along with one that is too large, and then are not the cause."""
    monkeypatch.setattr(feed_module, "producer", lambda _: Failing(*codes))
    with pytest.raises(BrokerUnavailable, match=advice):
        Feeder(KafkaSettings("nowhere:1")).send([Raw(b"1", b"{}")] * 2)
