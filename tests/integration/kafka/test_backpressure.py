"""A burst that is far larger than what a slow member may hold: memory stays bounded, and the group keeps it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import ResourceType  # type: ignore[attr-defined]  # its stubs forget to re-export it

from consumers.kafka.clients import PREFETCH_KIB
from tests.integration.kafka.growth import growth_of

if TYPE_CHECKING:
    from tests.integration.kafka.conftest import CopyTrial

RECORDS, RECORD_BYTES = 100_000, 1_500  # 143 MiB: several times what may be held
BATCH, SLOW_BATCHES = 400, 1
POLL_INTERVAL_MS, STEP_S = 2500, 4.0  # the loop looks up after 1 s, so a second is too close
ALLOWED_MIB = 48
"""Prefetch (16 MiB) once in librdkafka's queue and, for a moment, once more in the fetch that was under way; a batch
and its outputs (2 MiB); what the allocator keeps. Measured: 20 to 30."""


def noise() -> Callable[[int], bytes]:
    """Shrinks to half; what people write shrinks to a third."""
    random = Random(0)
    return lambda _: random.randbytes(RECORD_BYTES // 2).hex().encode()


def zeros() -> Callable[[int], bytes]:
    """Shrinks to a thousandth."""
    return lambda _: bytes(RECORD_BYTES)


@pytest.mark.parametrize(("made_of", "compression"), [(noise, "producer"), (zeros, "uncompressed")])
def test_a_burst_on_a_slow_member(
    trial: CopyTrial, made_of: Callable[[], Callable[[int], bytes]], compression: str
) -> None:
    """What a topic keeps compressed may unpack to anything; one that keeps it as it is bounds even zeros."""
    assert ALLOWED_MIB >= 3 * PREFETCH_KIB / 1024
    assert ALLOWED_MIB * 2 < RECORDS * RECORD_BYTES / 2**20, "the burst would be noticed"
    trial.configure(ResourceType.TOPIC, trial.topics.records.name, "compression.type", compression)
    first = trial.publish(1)
    member = trial.start(
        "slow", client_options={"max.poll.interval.ms": str(POLL_INTERVAL_MS)}, batch_size=BATCH, step_s=STEP_S
    )
    trial.await_copies(first)
    with growth_of(member.pid) as growth:
        keys = trial.publish(RECORDS, first=1, value=made_of())
        trial.await_some(1 + BATCH * SLOW_BATCHES)
    assert growth.mib < ALLOWED_MIB
    counters = trial.finish(member)
    assert (counters["rebalances"], counters["aborted"]) == (2, 0), "it came once, and left at the end"

    quick = trial.start("quick", batch_size=5000)
    trial.await_copies(first + keys)
    trial.finish(quick)
    assert trial.copied() == Counter(first + keys)
