"""How a broker is asked for a group's offsets; what it answers is in tests/integration/kafka/test_offsets.py."""

from __future__ import annotations

from typing import cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from ccit.errors import BrokerUnavailable
from consumers.kafka import offsets
from consumers.kafka.offsets import start_offsets
from tests.unit.consumers.kafka.fake_time import FakeTime


class Expelled:
    """A member that its group has expelled: each question is refused at once."""

    def __init__(self, clock: FakeTime) -> None:
        self._clock = clock

    def committed(self, *_: object, **__: object) -> list[TopicPartition]:
        self._clock.asked()
        raise KafkaException(KafkaError(KafkaError.UNKNOWN_MEMBER_ID))


def test_a_refusal_that_comes_at_once_is_not_asked_for_in_a_tight_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeTime()
    monkeypatch.setattr(offsets, "time", clock)
    with pytest.raises(BrokerUnavailable, match="within 5 s"):
        start_offsets(cast(Consumer, Expelled(clock)), [TopicPartition("t", 0)], timeout_s=5.0)
    assert 5 < clock.questions <= 100
