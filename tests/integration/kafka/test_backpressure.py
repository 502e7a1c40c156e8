"""A burst that is far larger than what a slow member may hold: memory stays bounded, and the group keeps it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

import psutil

from consumers.kafka.clients import PREFETCH_KIB, producer

if TYPE_CHECKING:
    from tests.integration.kafka.conftest import CopyTrial

RECORDS, RECORD_BYTES = 20_000, 6_000  # 114 MiB: several times what may be held
BATCH, SLOW_BATCHES = 400, 2
POLL_INTERVAL_MS, STEP_S = 1500, 4.5  # the loop looks up after 1 s, so a second is too close
ALLOWED_MIB = 48
"""Prefetch (16 MiB) once in librdkafka's queue and, for a moment, once more in the fetch that was under way; a batch
and its outputs (5 MiB); what the allocator keeps."""


def test_a_burst_on_a_slow_member(trial: CopyTrial, until: Callable[[Callable[[], bool], str], None]) -> None:
    assert ALLOWED_MIB >= 3 * PREFETCH_KIB / 1024
    assert ALLOWED_MIB * 2 < RECORDS * RECORD_BYTES / 2**20, "the burst would be noticed"
    first = trial.publish(1)
    member = trial.start(
        "slow", client_options={"max.poll.interval.ms": str(POLL_INTERVAL_MS)}, batch_size=BATCH, step_s=STEP_S
    )
    trial.await_copies(first)
    process = psutil.Process(member.pid)
    before, peak, done = process.memory_info().rss, 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.05):
            peak = max(peak, process.memory_info().rss)

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    keys = [b"burst-%d" % number for number in range(RECORDS)]
    client = producer(trial.settings)
    noise = Random(0)
    for key in keys:
        value = noise.randbytes(RECORD_BYTES // 2).hex()  # shrinks to half; what people write shrinks to a third
        client.produce(trial.topics.records.name, value=value, key=key)
        client.poll(0)
    assert client.flush(60.0) == 0
    trial.await_some(1 + BATCH * SLOW_BATCHES)
    done.set()
    watching.join()
    grown_mib = (peak - before) / 2**20
    assert grown_mib < ALLOWED_MIB
    counters = trial.finish(member)
    assert (counters["rebalances"], counters["aborted"]) == (2, 0), "it came once, and left at the end"

    quick = trial.start("quick", batch_size=5000)
    trial.await_copies(first + keys)
    trial.finish(quick)
    assert trial.copied() == Counter(first + keys)
