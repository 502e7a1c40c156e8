"""Calls into librdkafka that want to be repeated, and those that may never return."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from confluent_kafka import KafkaException

from consumers.kafka.clients import error_of


class Stuck(Exception):
    """A call into the client did not return."""


def within(timeout_s: float, call: Callable[[], None]) -> None:
    """Run a call that may never return in a thread that is then left behind; see `OFFSETS_TIMEOUT_S`."""
    problems: list[KafkaException] = []

    def run() -> None:
        try:
            call()
        except KafkaException as problem:
            problems.append(problem)

    thread = threading.Thread(target=run, name="offsets", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive():
        raise Stuck
    if problems:
        raise problems[0]


def until(timeout_s: float, call: Callable[[float], object]) -> None:
    """Repeat a call that may be resumed (`KafkaError.retriable`) until it succeeds or the time is over."""
    deadline = time.monotonic() + timeout_s
    while True:
        left_s = deadline - time.monotonic()
        try:
            call(max(left_s, 0.1))
        except KafkaException as problem:
            if left_s <= 0 or not error_of(problem).retriable():
                raise
        else:
            return
