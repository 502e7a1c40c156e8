"""Every reader ends at an error that no retry heals, and sorts the rest alike; over scripted clients."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import Consumer, KafkaError
from confluent_kafka import Message as ClientMessage

from ccit.errors import CcitError
from consumers.kafka import follower, member
from consumers.kafka.backlog import BacklogWatch
from consumers.kafka.clients import FORBIDDEN, KafkaSettings
from consumers.kafka.follower import Follower
from consumers.kafka.intake import Intake, PartitionEnd
from consumers.kafka.member import Member
from consumers.kafka.messages import KafkaMessage
from consumers.kafka.topics import Topics
from consumers.pool_reader import PoolReader

SETTINGS = KafkaSettings("nowhere:1")
TOPIC = Topics().samples
FINAL = [
    KafkaError(KafkaError._FATAL),
    KafkaError(KafkaError._FENCED, "marked", fatal=True),
    *map(KafkaError, FORBIDDEN),
]
HEALS = (KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._MAX_POLL_EXCEEDED)


class Raw:
    """A message at offset 7 of partition 2, or an error there."""

    def __init__(self, error: KafkaError | None = None) -> None:
        self._error = error

    def error(self) -> KafkaError | None:
        return self._error

    def topic(self) -> str:
        return TOPIC.name

    def partition(self) -> int:
        return 2

    def offset(self) -> int:
        return 7

    def key(self) -> bytes:
        return b"k"

    value = key

    def headers(self) -> None:
        return None

    def timestamp(self) -> tuple[int, int]:
        return (1, 5)


class Client:
    """Hands out one thing."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw

    def poll(self, _: float) -> Raw:
        return self._raw

    def consume(self, *_: Any) -> list[Raw]:
        return [self._raw]

    def assignment(self) -> list[Any]:
        return []

    def list_topics(self, *_: Any, **__: Any) -> Any:
        return SimpleNamespace(topics={TOPIC.name: SimpleNamespace(partitions={2: None}, error=None)})

    def consumer_group_metadata(self) -> object:
        return object()

    def nothing(self, *_: Any, **__: Any) -> None: ...

    subscribe = assign = pause = resume = close = nothing


def read_as_member(client: Consumer) -> None:
    Member(
        SETTINGS,
        "g",
        [TOPIC.name],
        batch_size=1,
        batch_bytes=1,
        linger_s=0.0,
        watch=BacklogWatch(SETTINGS),
        on_moved=lambda: None,
        stopped=lambda: False,
    ).read()


def read_as_follower(client: Consumer) -> None:
    Follower(SETTINGS, TOPIC).poll()


def read_as_trainer(client: Consumer) -> None:
    PoolReader(SETTINGS, TOPIC, 1).read(client, unbounded=False)


@pytest.mark.parametrize("read", [read_as_member, read_as_follower, read_as_trainer])
@pytest.mark.parametrize("error", FINAL, ids=str)
def test_no_reader_outlives_a_final_error(
    read: Callable[[Consumer], None], error: KafkaError, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(Raw(error))
    monkeypatch.setattr(member, "group_consumer", lambda *_, **__: client)
    monkeypatch.setattr(follower, "reader", lambda *_, **__: client)
    with pytest.raises(CcitError, match=TOPIC.name.replace(".", r"\.") + "|group g refused"):
        read(cast(Consumer, client))


def sort(raw: Raw, *, ours: bool = True) -> KafkaMessage | PartitionEnd | None:
    intake = Intake(SETTINGS, "samples", lambda error: CcitError(error.str()))
    return intake.sort(cast(ClientMessage, raw), cast(Consumer, Client(raw)), lambda _: ours)


def test_messages_and_ends_are_told_apart() -> None:
    assert sort(Raw()) == KafkaMessage(TOPIC.name, 2, 7, b"k", b"k", timestamp_ms=5)
    assert sort(Raw(KafkaError(KafkaError._PARTITION_EOF))) == PartitionEnd((TOPIC.name, 2), 7)


def test_what_comes_of_another_ones_partition_is_passed_over() -> None:
    assert sort(Raw(), ours=False) is None
    assert sort(Raw(KafkaError(KafkaError._BAD_COMPRESSION)), ours=False) is None
    assert sort(Raw(KafkaError(KafkaError._AUTO_OFFSET_RESET)), ours=False) is None


@pytest.mark.parametrize("code", HEALS)
def test_what_heals_is_logged(code: int, caplog: pytest.LogCaptureFixture) -> None:
    assert sort(Raw(KafkaError(code))) is None
    assert "reading samples: " in caplog.text
