"""Rows that come as they are: each of a day's is published once, and counts when the broker has it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ccit.demo import arrival
from ccit.demo.arrival import RowArrival
from ccit.simulation.stream import SimulatedMessage
from consumers.feed import Raw
from consumers.kafka.clients import KafkaSettings

STREAM = [SimulatedMessage(b"k", b"%d" % n, n // 3, None, None) for n in range(7)]


def test_a_day_s_rows_are_published_in_order_and_need_no_door(monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[bytes] = []

    class Feeder:
        confirmed = 0

        def __init__(self, _: KafkaSettings) -> None: ...

        def send(self, messages: Iterable[Raw]) -> None:
            published.extend(message.value for message in messages)
            self.confirmed = len(published)

    monkeypatch.setattr(arrival, "Feeder", Feeder)
    rows = RowArrival(KafkaSettings("127.0.0.1:1"), STREAM)
    assert (rows.roles, rows.days, rows.total, rows.expected) == ((), 3, 7, 7)
    for day, so_far in enumerate((3, 6, 7)):
        rows.send(day)
        assert (rows.sent, rows.rows, rows.arrived()) == (so_far, so_far, True)
    assert published == [message.value for message in STREAM]
    assert rows.account() == {}
