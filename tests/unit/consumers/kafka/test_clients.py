from __future__ import annotations

import re
from typing import Literal

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

from ccit.errors import BrokerUnavailable, ConfigError
from consumers.kafka.clients import (
    QUEUE_KIB,
    KafkaSettings,
    admin,
    consumer_config,
    error_of,
    group_consumer,
    producer,
    producer_config,
    reader,
    require_broker,
)
from consumers.kafka.follower import Follower
from consumers.kafka.topics import Topics

NOWHERE = "127.0.0.1:1"


@pytest.mark.parametrize("protocol", ["consumer", "classic"])
def test_every_configuration_is_accepted_by_the_library(protocol: str) -> None:
    settings = KafkaSettings(NOWHERE, group_protocol="consumer" if protocol == "consumer" else "classic")
    quiet = {"log_level": 0}
    Consumer(consumer_config(settings, "g") | quiet).close()
    Producer(producer_config(settings) | quiet)
    Producer(producer_config(settings, "id") | quiet)


def test_guarantees_are_in_the_configuration() -> None:
    reading, writing = consumer_config(KafkaSettings(NOWHERE), "g"), producer_config(KafkaSettings(NOWHERE), "id")
    assert reading["enable.auto.commit"] is False
    assert reading["isolation.level"] == "read_committed"
    assert reading["auto.offset.reset"] == "error"
    assert writing["enable.idempotence"] is True
    assert writing["acks"] == "all"


UNLISTED = (
    *("group.instance.id", "metadata.broker.list", "request.required.acks", "delivery.report.only.error"),
    *("test.mock.num.brokers", "stats_cb", "plugin.library.paths"),
)


@pytest.mark.parametrize("protocol", ["consumer", "classic"])
def test_what_ccit_sets_a_configuration_may_not_set(protocol: Literal["consumer", "classic"]) -> None:
    """But for how long is waited for a group's members, whose values here are defaults."""
    settings = KafkaSettings(NOWHERE, group_protocol=protocol)
    ours = consumer_config(settings, "g") | producer_config(settings, "id") | producer_config(settings)
    for option in ours.keys() - {"session.timeout.ms", "heartbeat.interval.ms", "logger", "error_cb"}:
        with pytest.raises(ConfigError, match=re.escape(option)):
            KafkaSettings(NOWHERE, client_options={option: "x"})


@pytest.mark.parametrize("option", ["enable.auto.commit", "isolation.level", "transactional.id", "acks", *UNLISTED])
def test_options_behind_a_guarantee_are_refused(option: str) -> None:
    with pytest.raises(ConfigError, match=option):
        KafkaSettings(NOWHERE, client_options={option: "x"})


BAD = [
    ({"socket.timeout": "10"}, 'No such configuration property: "socket.timeout"'),
    ({"socket.timeout.ms": "5"}, "value 5 is outside allowed range 10..300000; correct"),
    ({"security.protocol": "SLL"}, 'Invalid value "SLL" for configuration property "security.protocol"'),
    (
        {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanisms": "PLAIN"},
        "sasl.username and sasl.password must be set",
    ),
    ({"security.protocol": "SSL", "ssl.ca.location": "/nowhere/ca.pem"}, r"ssl\.ca\.location failed"),
]


@pytest.mark.parametrize(("options", "why"), BAD, ids=[next(reversed(options)) for options, _ in BAD])
def test_options_that_librdkafka_refuses_are_one_sentence(options: dict[str, str], why: str) -> None:
    settings = KafkaSettings(NOWHERE, client_options=options)
    for make in (lambda: group_consumer(settings, "g"), lambda: reader(settings, "g"), lambda: producer(settings)):
        with pytest.raises(ConfigError, match=rf"kafka\.client should hold.*{why}") as refused:
            make()
        assert "\n" not in str(refused.value)
    with pytest.raises(ConfigError, match=why):
        admin(settings)
    with pytest.raises(ConfigError, match=why):
        require_broker(settings)


def test_an_option_that_suits_members_alone_is_refused_to_followers() -> None:
    settings = KafkaSettings(NOWHERE, client_options={"max.poll.interval.ms": "20000"})
    with pytest.raises(ConfigError, match=r"max\.poll\.interval\.ms.*must be >= `session\.timeout\.ms`"):
        Follower(settings, Topics().samples)


def test_options_for_security_reach_every_client() -> None:
    settings = KafkaSettings(NOWHERE, client_options={"security.protocol": "SSL"})
    assert consumer_config(settings, "g")["security.protocol"] == "SSL"
    assert producer_config(settings)["security.protocol"] == "SSL"


def test_no_broker_is_one_sentence() -> None:
    with pytest.raises(BrokerUnavailable, match=r"should answer at 127\.0\.0\.1:1 within 0\.5 s.*ccit broker"):
        require_broker(KafkaSettings(NOWHERE), timeout_s=0.5)


def test_error_of_an_exception_without_one() -> None:
    assert error_of(KafkaException(KafkaError(KafkaError._FENCED))).code() == KafkaError._FENCED
    assert error_of(KafkaException("text")).str() == "text"


def test_what_a_broker_does_not_take_is_bounded() -> None:
    client = Producer(producer_config(KafkaSettings(NOWHERE)) | {"log_level": 0})
    for _ in range(QUEUE_KIB // 1024):
        client.produce("t", value=bytes(2**20))
    with pytest.raises(BufferError):
        client.produce("t", value=bytes(2**20))
    client.purge()
