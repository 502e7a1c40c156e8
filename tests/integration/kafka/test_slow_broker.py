"""A broker that stands still four fifths of the time, and now and then for seconds: SIGSTOP and SIGCONT.

What is guaranteed: a member lives on, holds a bounded amount, and copies everything exactly once. It keeps its
membership as long as no pause outlasts the group's session timeout; after a longer one the broker may have given it up,
and it joins again by itself.

A broker has a session of its own, with the controller. Outlasted, the cluster is without its only broker for a moment;
clients that ask then forget it (consumers/kafka/follower.py), and do not come back while they hold messages: a producer
stands still for 40 s until it is replaced, and its member's consumer, not polled meanwhile, is missed by its group.
"""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from confluent_kafka.admin import ResourceType  # type: ignore[attr-defined]  # its stubs forget to re-export it

from consumers.broker.local import LocalKafka
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.topic_creation import create_topics
from tests.integration.kafka.growth import growth_of

if TYPE_CHECKING:
    from tests.integration.kafka.conftest import CopyTrial

Until = Callable[[Callable[[], bool], str], None]

RECORDS, RECORD_BYTES, BATCH = 45_000, 1_500, 1_500  # 64 MiB in, 64 MiB out: who held all of it would be noticed
WHILE_SLOW = 6 * BATCH
STOPPED_S, RUNNING_S, LONG_S = 0.4, 0.1, 4.0  # the long pause is longer than the tests' session timeout of 2.5 s
AT_WORK_S, RUNNING_MOST_S = 0.1, 1.0
"""It runs on until it has had so much of a processor, but not for ever: on a machine that others use, a tenth of a
second may give it nothing at all, and then nothing moves."""
EVERY_NTH_LONG, LONG_PAUSES = 6, 2
SESSION_MS = 45_000  # Kafka's default for a group
ALLOWED_MIB = 96
"""Prefetch, twice for a moment (32 MiB); a batch, its outputs, and these again in the producer's queue (7 MiB); what
the allocator keeps of all that came and went. Measured: 39 to 71."""


def test_pauses_within_the_sessions(new_trial: Callable[[KafkaSettings], CopyTrial], until: Until) -> None:
    with LocalKafka(extra={"broker.session.timeout.ms": str(SESSION_MS)}) as kafka:
        settings = kafka.settings()
        create_topics(settings)
        trial = new_trial(settings)
        set_session(trial, SESSION_MS)
        counters = copy_while_slow(trial, kafka, until)
        assert counters["rebalances"] == 2, "it came once, and left at the end"


def test_pauses_that_outlast_the_sessions(trial: CopyTrial, kafka: LocalKafka, until: Until) -> None:
    set_session(trial, 2_500)
    copy_while_slow(trial, kafka, until)


def copy_while_slow(trial: CopyTrial, kafka: LocalKafka, until: Until) -> dict[str, int]:
    """All that is guaranteed whatever the sessions; the member's counters."""
    first = trial.publish(1)
    member = trial.start("a", batch_size=BATCH, output_bytes=RECORD_BYTES)
    trial.await_copies(first)
    random = Random(0)
    with growth_of(member.pid) as growth:
        with slow(kafka) as pauses:
            keys = trial.publish(RECORDS, first=1, value=lambda _: random.randbytes(RECORD_BYTES // 2).hex().encode())
            trial.await_some(WHILE_SLOW)
            until(lambda: pauses.count(LONG_S) == LONG_PAUSES, "the long pauses")
        trial.await_copies(first + keys)
    assert growth.mib < ALLOWED_MIB
    counters = trial.finish(member)
    assert trial.copied() == Counter(first + keys)
    return counters


def set_session(trial: CopyTrial, session_ms: int) -> None:
    group = f"{trial.settings.prefix}copy"
    trial.configure(ResourceType.GROUP, group, "consumer.session.timeout.ms", str(session_ms))


@contextmanager
def slow(kafka: LocalKafka) -> Iterator[list[float]]:
    """The broker stands still again and again while the block runs; yields the pauses so far (seconds)."""
    pid = kafka.nodes[0].pid
    assert pid is not None
    done, pauses = threading.Event(), list[float]()

    def stop_and_go() -> None:
        try:
            for turn in itertools.count(1):
                long = turn % EVERY_NTH_LONG == 0 and pauses.count(LONG_S) < LONG_PAUSES
                pauses.append(LONG_S if long else STOPPED_S)
                os.kill(pid, signal.SIGSTOP)
                done.wait(pauses[-1])
                had = _processor_s(pid)
                os.kill(pid, signal.SIGCONT)
                until = time.monotonic() + RUNNING_MOST_S
                while not done.wait(RUNNING_S) and _processor_s(pid) < had + AT_WORK_S and time.monotonic() < until:
                    pass
                if done.is_set():
                    return
        finally:
            os.kill(pid, signal.SIGCONT)

    thread = threading.Thread(target=stop_and_go, daemon=True)
    thread.start()
    try:
        yield pauses
    finally:
        done.set()
        thread.join()


def _processor_s(pid: int) -> float:
    """Seconds of a processor that a process has had: fields 14 and 15 of /proc/PID/stat (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
