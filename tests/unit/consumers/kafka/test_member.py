"""A member of a group on the embedded broker: what it reads while partitions come, and what it holds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from consumers.kafka import member as member_module
from consumers.kafka.backlog import BacklogWatch
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.member import Member
from consumers.kafka.messages import GroupOffset, KafkaMessage, PartitionId
from consumers.kafka.offsets import start_offsets
from consumers.kafka.topics import Topics
from tests.unit.consumers.kafka.conftest import Publish

BATCH = 20


class Trial:
    """A member and how often partitions have moved."""

    def __init__(self, settings: KafkaSettings, stopped: bool = False, linger_s: float = 0.1) -> None:
        self.moves = 0
        self.member = Member(
            settings,
            f"{settings.prefix}g",
            [Topics(settings.prefix).records.name],
            batch_size=BATCH,
            batch_bytes=2**20,
            linger_s=linger_s,
            watch=BacklogWatch(settings),
            on_moved=self.moved,
            stopped=lambda: stopped,
        )

    def moved(self) -> None:
        self.moves += 1

    def batch(self) -> list[KafkaMessage]:
        """The next one that is not empty; partitions that move make one that is."""
        for _ in range(200):
            before = self.moves
            batch = self.member.read()
            assert self.moves == before or not batch, "partitions came, and nobody was asked"
            if batch:
                return batch
        raise AssertionError("nothing came")


@pytest.fixture
def trial_of(settings: KafkaSettings) -> Iterator[Callable[..., Trial]]:
    made: list[Trial] = []

    def make(stopped: bool = False, linger_s: float = 0.1) -> Trial:
        made.append(Trial(settings, stopped, linger_s))
        return made[-1]

    yield make
    for one in made:
        one.member.close()


def test_what_comes_with_new_partitions_waits_for_the_next_read(
    trial_of: Callable[..., Trial], publish: Publish
) -> None:
    publish(10)
    trial = trial_of()
    assert trial.batch()
    assert trial.moves > 0


@pytest.mark.parametrize(("linger_s", "together"), [(60.0, True), (0.0, False)])
def test_a_batch_that_is_not_full_waits_for_more_as_long_as_it_lingers(
    trial_of: Callable[..., Trial], publish: Publish, linger_s: float, together: bool
) -> None:
    publish(BATCH // 2)
    more = threading.Timer(1.0, publish, (BATCH // 2,))
    more.start()
    batch = trial_of(linger_s=linger_s).batch()
    more.join()
    assert (len(batch) == BATCH) is together


def test_a_batch_put_back_again_and_again_grows_by_nothing(trial_of: Callable[..., Trial], publish: Publish) -> None:
    keys = publish(200)
    trial = trial_of()
    first = trial.batch()
    while len(first) < BATCH:
        trial.member.put_back(first)
        first = trial.batch()
    for _ in range(10):
        trial.member.put_back(first)
        assert trial.member.read() == first
        assert len(trial.member.queued) == 0
    found = [message.key for message in first]
    while len(found) < len(keys):
        found += [message.key for message in trial.batch()]
    assert sorted(found, key=lambda key: int(key or b"-1")) == keys, "what was dropped meanwhile is fetched again"


def test_a_group_is_asked_for_what_was_committed_here_at_least(
    trial_of: Callable[..., Trial], publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Mapping[PartitionId, int]] = []

    def starts(*known: Any, at_least: Mapping[PartitionId, int], **more: Any) -> list[TopicPartition] | None:
        asked.append(dict(at_least))
        return start_offsets(*known, **more)

    monkeypatch.setattr(member_module, "start_offsets", starts)
    publish(1)
    trial = trial_of()
    trial.member.committed([GroupOffset("t", 0, 5), GroupOffset("t", 1, 2)])
    trial.member.committed([GroupOffset("t", 0, 7)])
    (message,) = trial.batch()
    assert asked == [{("t", 0): 7, ("t", 1): 2}]
    trial.member.committed([GroupOffset(*message.partition_id, message.next_offset)])
    moves = trial.moves
    trial.member.close()
    assert trial.moves == moves + 1, "nobody has moved the group there: they are given up all the same"
    assert asked[1:] == [{**asked[0], message.partition_id: message.next_offset}], "before it hands over, too"


def test_who_is_leaving_takes_no_partitions(trial_of: Callable[..., Trial], publish: Publish) -> None:
    publish(10)
    trial = trial_of(stopped=True)
    for _ in range(12):
        assert trial.member.read() == []
    assert trial.moves == 0
    assert len(trial.member.queued) == 0
