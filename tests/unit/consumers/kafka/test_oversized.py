"""Where a batch that cannot be unpacked ends, over a scripted partition in the place of Kafka's."""

from __future__ import annotations

from typing import Any, cast

import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from consumers.kafka.oversized import _Search, _Unanswered


class Said:
    """What is at an offset: a message, the end, or an error about a batch that begins at `offset`."""

    def __init__(self, offset: int, code: int | None) -> None:
        self._offset, self._code = offset, code

    def offset(self) -> int:
        return self._offset

    def error(self) -> KafkaError | None:
        return None if self._code is None else KafkaError(self._code)


class Partition:
    """Oversized batches one after another from offset `first` on, then messages up to the end of the log."""

    def __init__(self, first: int, counts: list[int], messages: int) -> None:
        self.attempts = 0
        self._starts = [first + sum(counts[:n]) for n in range(len(counts) + 1)]
        self._end = self._starts[-1] + messages
        self._at = 0

    def get_watermark_offsets(self, place: TopicPartition, timeout: float) -> tuple[int, int]:
        return 0, self._end

    def assign(self, places: list[TopicPartition]) -> None:
        self.attempts += 1
        self._at = places[0].offset
        assert self._at <= self._end, "behind the log the client would begin at its beginning"

    def poll(self, timeout: float) -> Said:
        for start, end in zip(self._starts, self._starts[1:], strict=False):
            if start <= self._at < end:
                return Said(start, KafkaError._BAD_COMPRESSION)
        return Said(self._at, None if self._at < self._end else KafkaError._PARTITION_EOF)


@given(st.integers(0, 10**6), st.lists(st.integers(1, 3000), min_size=1, max_size=3), st.integers(0, 5000))
def test_the_end_is_found_to_the_message_in_few_attempts(first: int, counts: list[int], messages: int) -> None:
    partition = Partition(first, counts, messages)
    search = _Search(cast("Consumer", partition), TopicPartition("t", 0, first))
    assert search.end() == first + counts[0]
    assert partition.attempts <= 2 * counts[0].bit_length() + 1


def test_a_broker_that_says_nothing_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(Partition):
        def poll(self, timeout: float) -> Any:
            return None

    monkeypatch.setattr("consumers.kafka.oversized._ASK_S", 0.01)
    with pytest.raises(_Unanswered, match="no answer for offset 8"):
        _Search(cast("Consumer", Silent(7, [2], 5)), TopicPartition("t", 0, 7)).end()
