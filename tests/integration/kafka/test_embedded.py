"""The embedded broker across processes: groups, a killed member, at least once, and the order of single topics."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from consumers.kafka.clients import producer
from consumers.kafka.follower import Follower

if TYPE_CHECKING:
    from tests.integration.kafka.conftest import CopyTrial

IMPATIENT = {"session.timeout.ms": "4500", "heartbeat.interval.ms": "500"}  # its joins take 3 s: less never settles


def test_killed_member_loses_nothing(embedded_trial: CopyTrial) -> None:
    """Killed between outputs and offsets, the worst place: the batch comes again, nothing is missing."""
    trial = embedded_trial
    keys = trial.publish(300)
    victim = trial.start("a", failpoint="commit.flushed@2", client_options=IMPATIENT)
    assert victim.wait(60) == -signal.SIGKILL
    assert trial.copied().total() >= 50
    successor = trial.start("b", client_options=IMPATIENT)
    trial.await_copies(keys)
    trial.finish(successor)
    found = trial.copied()
    assert set(found) == set(keys)
    assert len(keys) < found.total() <= len(keys) + 50  # the batch in flight, and no more, is there twice


def test_two_members_share(embedded_trial: CopyTrial, until: Callable[[Callable[[], bool], str], None]) -> None:
    trial = embedded_trial
    first, second = trial.start("a", batch_size=10, step_s=0.02), trial.start("b", batch_size=10, step_s=0.02)
    keys: list[bytes] = []

    def both_copy() -> bool:
        """Whoever comes late finds something to do, however late."""
        keys.extend(trial.publish(40, first=len(keys)))
        with Follower(trial.settings, trial.topics.samples) as reader:
            return {message.value for message in reader.catch_up()} >= {b"a", b"b"}

    until(both_copy, "both members copy")
    trial.await_copies(keys)
    assert trial.finish(first)["messages"] > 0
    assert trial.finish(second)["messages"] > 0
    assert set(trial.copied()) == set(keys)


def test_single_partition_topics_keep_their_order(embedded_trial: CopyTrial) -> None:
    topic = embedded_trial.topics.model_versions
    client = producer(embedded_trial.settings)
    for number in range(20):
        client.produce(topic.name, value=b"%d" % number, key=b"alias@%d" % number, partition=topic.partition or 0)
    client.flush(10.0)
    with Follower(embedded_trial.settings, topic) as follower:
        assert [message.value for message in follower.catch_up()] == [b"%d" % number for number in range(20)]
