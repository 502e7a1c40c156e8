"""What the commit protocol refuses before it talks to any broker; the rest is in tests/integration/kafka."""

from __future__ import annotations

from typing import cast

import pytest
from confluent_kafka import Consumer

from ccit.errors import BrokerUnavailable
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.exactly_once import ExactlyOnce

NOBODY = KafkaSettings("127.0.0.1:1")


def test_who_must_be_alone_never_takes_the_id_back() -> None:
    lost = ExactlyOnce(NOBODY, "train-ccit", alone=True)
    with pytest.raises(BrokerUnavailable, match="start again, nothing is lost"):
        lost.commit([], [], cast(Consumer, None))
