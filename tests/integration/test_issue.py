"""`commands.issue` on the real broker: a command that the broker did not take is not said to be asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from confluent_kafka.admin import ResourceType  # type: ignore[attr-defined]  # missing in its stubs

from ccit.errors import BrokerUnavailable
from consumers.commands import issue
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.follower import Follower
from consumers.kafka.topics import Topics
from tests.integration.kafka.conftest import CopyTrial


def test_a_command_is_on_its_topic_when_issue_returns(settings: KafkaSettings) -> None:
    command = issue(settings, "ccit", "hold")
    with Follower(settings, Topics(settings.prefix).commands) as follower:
        (message,) = follower.catch_up()
    assert command.command_id.encode() in (message.value or b"")


def test_a_command_that_the_broker_refuses_is_not_asked_for(settings: KafkaSettings) -> None:
    topic = Topics(settings.prefix).commands.name
    CopyTrial(settings).configure(ResourceType.TOPIC, topic, "max.message.bytes", "80")
    with pytest.raises(BrokerUnavailable, match=r"command hold should reach .*too large.*; nothing was asked for"):
        issue_again_and_again(settings)


def issue_again_and_again(settings: KafkaSettings) -> None:
    """A broker says that it has an option a moment before it goes by it."""
    for _ in range(100):
        issue(settings, "ccit", "hold")


def test_a_command_without_a_topic_says_so(settings: KafkaSettings) -> None:
    nowhere = replace(settings, prefix=f"{settings.prefix}nowhere.")
    with pytest.raises(BrokerUnavailable, match=r"nowhere\.commands should be readable .*create the topics"):
        issue(nowhere, "ccit", "hold")
