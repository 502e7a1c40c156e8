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


class Late:
    """A broker that tells of a commit one question later than it has answered it."""

    def __init__(self, clock: FakeTime, told: list[int]) -> None:
        self._clock = clock
        self._told = told

    def committed(self, *_: object, **__: object) -> list[TopicPartition]:
        self._clock.asked()
        return [TopicPartition("t", 0, self._told.pop(0) if len(self._told) > 1 else self._told[0])]


@pytest.mark.parametrize("before", [[10], [10, 10], [-1001]])
def test_an_offset_behind_what_was_committed_here_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, before: list[int]
) -> None:
    clock = FakeTime()
    monkeypatch.setattr(offsets, "time", clock)
    broker = cast(Consumer, Late(clock, [*before, 12]))
    starts = start_offsets(broker, [TopicPartition("t", 0)], at_least={("t", 0): 12, ("t", 1): 99})
    assert starts is not None
    assert [one.offset for one in starts] == [12]
    assert clock.questions == len(before) + 1
    with pytest.raises(BrokerUnavailable, match="behind what was committed here"):
        start_offsets(broker, [TopicPartition("t", 0)], timeout_s=5.0, at_least={("t", 0): 13})


def test_a_refusal_that_comes_at_once_is_not_asked_for_in_a_tight_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeTime()
    monkeypatch.setattr(offsets, "time", clock)
    with pytest.raises(BrokerUnavailable, match="within 5 s"):
        start_offsets(cast(Consumer, Expelled(clock)), [TopicPartition("t", 0)], timeout_s=5.0)
    assert 5 < clock.questions <= 100
