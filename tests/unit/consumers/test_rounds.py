"""When a round that was planned earlier is taken up, and when it is dropped; no broker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from confluent_kafka import Consumer, TopicPartition

from ccit.assembly.training import TrainerParts
from ccit.config import Config
from ccit.lineage import Lineage
from ccit.records import OffsetRange, Round
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.commit import CommitProtocol
from consumers.kafka.topics import Topics
from consumers.pool_reader import PoolReader
from consumers.reports import Reporter
from consumers.rounds import RoundSequence
from tests.crash.parts import stub_trainer_parts
from tests.nouns import a_round, pooled, version

RANGES = (OffsetRange(0, 0, 4),)


class Silent:
    """In the place of a `Reporter`."""

    def report(self, *_: Any) -> None: ...


class Client:
    """A member that has read partition 0 up to an offset."""

    def __init__(self, at: int) -> None:
        self._at = at

    def position(self, places: Sequence[TopicPartition]) -> list[TopicPartition]:
        return [TopicPartition(place.topic, place.partition, self._at) for place in places]


def at(offset: int) -> Consumer:
    return cast(Consumer, Client(offset))


class Case:
    """One trainer's rounds, with an unfinished one."""

    def __init__(self, root: Path, planned: Round) -> None:
        self.lineage = Lineage(version())
        self.pool_reader = PoolReader(KafkaSettings("nowhere:1"), Topics().samples, 100)
        self.rounds = RoundSequence(
            KafkaSettings("nowhere:1"),
            self.parts(root),
            cast(CommitProtocol, None),
            self.lineage,
            self.pool_reader,
            cast(Reporter, Silent()),
            lambda: 0.0,
        )
        self.rounds.unfinished = planned

    @staticmethod
    def parts(root: Path) -> TrainerParts:
        return stub_trainer_parts(Config.model_validate({"store": {"root": str(root)}}), 60.0)

    def take_up(self, offset: int) -> tuple[bool, bool]:
        """Whether it is at work, and whether it is still to be."""
        self.rounds.take_up(at(offset))
        found = self.rounds.job is not None, self.rounds.unfinished is not None
        self.rounds.cancel()
        return found


@pytest.fixture
def planned(tmp_path: Path) -> Round:
    """By the settings and the code of now."""
    recipe = Case.parts(tmp_path).recipe
    made = a_round(sample_ids=["s0", "s2"], ranges=RANGES)
    return replace(made, config_digest=recipe.config_digest, code_digest=recipe.code_digest)


def test_it_waits_for_its_samples(tmp_path: Path, planned: Round) -> None:
    case = Case(tmp_path, planned)
    assert case.take_up(-1001) == (False, True)  # the partition has not come
    case.pool_reader.pool.add(pooled(0))
    assert case.take_up(1) == (False, True)
    case.pool_reader.pool.add(pooled(2))
    assert case.take_up(3) == (True, False)


def test_it_begins_without_samples_that_are_gone_for_good(tmp_path: Path, planned: Round) -> None:
    """The log was read past its end: the job says what is missing."""
    case = Case(tmp_path, planned)
    case.pool_reader.pool.add(pooled(0))
    assert case.take_up(4) == (True, False)


def test_it_is_dropped_when_its_parent_is_no_longer_active(tmp_path: Path, planned: Round) -> None:
    case = Case(tmp_path, planned)
    case.lineage.apply(case.lineage.promote(version(1, 0), 0.0))
    assert case.take_up(4) == (False, False)


@pytest.mark.parametrize(
    "changed",
    [
        lambda planned: replace(planned, base_revision="another"),
        lambda planned: replace(planned, proxy_revision="another"),
        lambda planned: replace(planned, config_digest="another"),
        lambda planned: replace(planned, code_digest="another"),
    ],
    ids=["base", "proxy", "settings", "code"],
)
def test_it_is_dropped_when_it_was_planned_by_others_than_those_of_now(
    tmp_path: Path, planned: Round, changed: Callable[[Round], Round]
) -> None:
    """It would be trained with the new ones and published under the digests of the old; as an outcome that would use
    its samples up.
    """
    case = Case(tmp_path, changed(planned))
    case.pool_reader.pool.add(pooled(0))
    assert case.take_up(4) == (False, False)
    assert len(case.pool_reader.pool) == 1


def test_it_is_dropped_when_a_sample_of_another_source_is_gone(tmp_path: Path, planned: Round) -> None:
    """The general file was changed while no trainer ran: its samples stay pooled for a round that can be made."""
    case = Case(tmp_path, replace(planned, parts={"replay": ("gone",)}))
    case.pool_reader.pool.add(pooled(0))
    assert case.take_up(4) == (False, False)
    assert len(case.pool_reader.pool) == 1


def test_a_round_over_partitions_that_went_is_unfinished_again(tmp_path: Path, planned: Round) -> None:
    case = Case(tmp_path, planned)
    case.pool_reader.pool.add(pooled(0))
    case.pool_reader.pool.add(pooled(2))
    case.rounds.take_up(at(4))
    case.rounds.given_up({1})  # not one of its own
    assert (case.rounds.job is not None, case.rounds.unfinished) == (True, None)
    case.rounds.given_up({0, 1})
    assert case.rounds.job is None
    assert case.rounds.unfinished is not None
