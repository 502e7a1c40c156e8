from __future__ import annotations

import logging
import threading

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException

from consumers.kafka import deadlines
from consumers.kafka.deadlines import DeadlineExceeded, leave, retried, within
from tests.unit.consumers.kafka.fake_time import FakeTime


class Leaving(Consumer):
    """A member whose group answers when it is let."""

    def __init__(self, answered: threading.Event) -> None:
        super().__init__({"group.id": "g", "bootstrap.servers": "localhost:1", "log_level": 0})
        self._answered = answered

    def close(self) -> None:
        self._answered.wait()
        super().close()


def test_a_member_leaves_even_if_its_group_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    """Its promise to end in time does not hang on the broker's; the broker misses it by itself."""
    caplog.set_level(logging.WARNING, "ccit.kafka")
    answered = threading.Event()
    leave(Leaving(answered), timeout_s=0.05)
    assert "did not let this member go within 0.05 s" in caplog.text
    answered.set()
    caplog.clear()
    leave(Leaving(answered), timeout_s=30.0)
    assert not caplog.text


def test_what_a_call_raises_comes_through() -> None:
    def call() -> None:
        raise KafkaException(KafkaError(KafkaError._FAIL))

    with pytest.raises(KafkaException):
        within(30.0, call)


def test_a_call_that_does_not_return_is_left_behind() -> None:
    never = threading.Event()
    with pytest.raises(DeadlineExceeded):
        within(0.01, never.wait)
    never.set()


@pytest.mark.parametrize(("retriable", "calls"), [(True, 3), (False, 1)])
def test_only_what_can_be_resumed_is_repeated(retriable: bool, calls: int) -> None:
    left: list[float] = []

    def call(left_s: float) -> None:
        left.append(left_s)
        if len(left) < 3:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "later", retriable=retriable))

    if retriable:
        retried(30.0, call)
    else:
        with pytest.raises(KafkaException):
            retried(30.0, call)
    assert len(left) == calls
    assert left == sorted(left, reverse=True)


def test_a_refusal_that_comes_at_once_is_not_asked_for_in_a_tight_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that only sleeping moves: a broker in trouble is not asked a million times."""
    clock = FakeTime()
    monkeypatch.setattr(deadlines, "time", clock)

    def call(_: float) -> None:
        clock.asked()
        raise KafkaException(KafkaError(KafkaError.COORDINATOR_LOAD_IN_PROGRESS, retriable=True))

    with pytest.raises(KafkaException):
        retried(2.0, call)
    assert 2 < clock.questions <= 100
