"""Calls into librdkafka with a deadline: those to be repeated, and those that may never return."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaException

from ccit.errors import CcitError
from consumers.kafka.clients import error_of

logger = logging.getLogger("ccit.kafka")

LEAVE_TIMEOUT_S = 8.0
"""Leaving a group (seconds); usually well under one. A trainer was seen to end 55 s after it had been fenced, on a busy
machine; how much of that was the close is not known. Within the 25 s in which a process promises to end."""

_PAUSE_S = 0.05


class DeadlineExceeded(Exception):
    """A call into the client did not return."""


def leave(consumer: Consumer, timeout_s: float = LEAVE_TIMEOUT_S) -> None:
    """Close a member of a group. When the group does not answer, it misses this member by its session timeout."""
    try:
        within(timeout_s, consumer.close)
    except DeadlineExceeded:
        logger.warning(
            "the group did not let this member go within %g s; its partitions move a little later", timeout_s
        )


def within(timeout_s: float, call: Callable[[], object]) -> None:
    """Run a call that may never return in a thread that is then left behind; see `OFFSETS_TIMEOUT_S`.

    Raises
    ------
    DeadlineExceeded
        It has not returned in `timeout_s` seconds.
    KafkaException, CcitError
        What the call raised.
    """
    problems: list[KafkaException | CcitError] = []

    def run() -> None:
        try:
            call()
        except (KafkaException, CcitError) as problem:  # the latter from callbacks
            problems.append(problem)

    thread = threading.Thread(target=run, name="deadline", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive():
        raise DeadlineExceeded
    if problems:
        raise problems[0]


def retried(timeout_s: float, call: Callable[[float], object]) -> None:
    """Repeat a call that may be resumed (`KafkaError.retriable`) until it succeeds or the time is over."""
    deadline = time.monotonic() + timeout_s
    while True:
        left_s = deadline - time.monotonic()
        try:
            call(max(left_s, 0.1))
        except KafkaException as problem:
            if left_s <= 0 or not error_of(problem).retriable():
                raise
            time.sleep(_PAUSE_S)  # some come at once
        else:
            return
