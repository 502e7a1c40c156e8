from __future__ import annotations

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

from ccit.errors import BrokerUnavailable, ConfigError
from consumers.kafka.clients import KafkaSettings, consumer_config, error_of, producer_config, require_broker

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
    assert reading["auto.offset.reset"] == "earliest"
    assert writing["enable.idempotence"] is True
    assert writing["acks"] == "all"


@pytest.mark.parametrize("option", ["enable.auto.commit", "isolation.level", "transactional.id", "acks"])
def test_options_behind_a_guarantee_are_refused(option: str) -> None:
    with pytest.raises(ConfigError, match=option):
        KafkaSettings(NOWHERE, client_options={option: "x"})


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
