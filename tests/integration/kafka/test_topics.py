"""Topics on both brokers: created once, left alone afterwards, refused where order or compaction is missing."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]  # missing in its stubs
from confluent_kafka.cimpl import NewTopic

from ccit.errors import BrokerUnavailable, ConfigError
from consumers.broker.embedded import EmbeddedKafka
from consumers.kafka.clients import KafkaSettings, client_config
from consumers.kafka.topic_creation import check_topics, create_topics
from consumers.kafka.topic_settings import require_settings
from consumers.kafka.topics import Topic, Topics


def admin_of(settings: KafkaSettings) -> AdminClient:
    return AdminClient(client_config(settings))


def test_created_as_designed_and_only_once(settings: KafkaSettings) -> None:
    fresh = replace(settings, prefix=f"{settings.prefix}again.")
    wanted = {topic.name: topic for topic in Topics(fresh.prefix)}
    assert set(create_topics(fresh)) == set(wanted)
    assert create_topics(fresh) == ()
    found = admin_of(fresh).list_topics(timeout=10.0).topics
    assert {name: len(found[name].partitions) for name in wanted} == {n: t.partitions for n, t in wanted.items()}


def test_version_topic_with_several_partitions_is_refused(settings: KafkaSettings) -> None:
    fresh = replace(settings, prefix=f"{settings.prefix}wide.")
    name = Topics(fresh.prefix).model_versions.name
    admin = admin_of(fresh)
    admin.create_topics([NewTopic(name, 3, 1)])[name].result()
    with pytest.raises(ConfigError, match=r"model-versions must have 1 partition.* has 3"):
        create_topics(fresh)


def test_version_topic_that_deletes_is_refused(settings: KafkaSettings) -> None:
    fresh = replace(settings, prefix=f"{settings.prefix}forgetful.")
    name = Topics(fresh.prefix).model_versions.name
    admin = admin_of(fresh)
    admin.create_topics([NewTopic(name, 1, 1)])[name].result()
    with pytest.raises(ConfigError, match=r"cleanup\.policy=compact"):
        create_topics(fresh)


def made_before(settings: KafkaSettings, prefix: str, topic: str, **config: str) -> KafkaSettings:
    """Settings with all topics as designed, but for one that has Kafka's defaults and what is given."""
    fresh = replace(settings, prefix=f"{settings.prefix}{prefix}.")
    one = next(t for t in Topics(fresh.prefix) if t.name == f"{fresh.prefix}{topic}")
    defaults = {"max.message.bytes": "1048588", "retention.ms": "604800000"}
    changed = defaults | {name.replace("_", "."): value for name, value in config.items()}
    admin = admin_of(fresh)  # what it answers ends with it
    admin.create_topics([NewTopic(one.name, one.partitions, 1, config=changed)])[one.name].result()
    return fresh


@pytest.mark.parametrize(
    ("topic", "config", "mended"),
    [
        ("dead-letters", {}, "max.message.bytes=16777216"),
        ("records", {}, "max.message.bytes=12582912"),
        ("model-versions", {"cleanup_policy": "compact"}, "max.message.bytes=16777216"),
        ("samples", {"max_message_bytes": "16777216", "cleanup_policy": "compact"}, "cleanup.policy=delete"),
        ("commands", {"cleanup_policy": "compact"}, "cleanup.policy=delete"),
        ("replica-status", {"cleanup_policy": "compact,delete"}, "cleanup.policy=compact"),
        ("rounds", {"max_message_bytes": "16777216"}, "retention.ms=-1"),
        (
            "rounds",
            {"max_message_bytes": "16777216", "retention_ms": "-1", "retention_bytes": "9999"},
            "retention.bytes=-1",
        ),
    ],
)
def test_a_topic_that_cannot_work_is_refused_with_the_command_that_mends_it(
    settings: KafkaSettings, topic: str, config: dict[str, str], mended: str
) -> None:
    fresh = made_before(settings, "wrong", topic, **config)
    name = f"{fresh.prefix}{topic}"
    with pytest.raises(ConfigError) as found:
        create_topics(fresh)
    said = str(found.value)
    assert said.startswith(f"topic {name} must have {mended}, but has ")
    run = f"kafka-configs.sh --bootstrap-server {settings.bootstrap_servers} --alter --topic {name} --add-config"
    assert said.endswith(f"run: {run} {mended}")
    with pytest.raises(ConfigError, match=f"topic {name} must have"):
        check_topics(fresh)


@pytest.mark.parametrize(
    ("topic", "config", "said"),
    [
        ("samples", {"max_message_bytes": "16777216"}, "should have retention.ms=7776000000, but has"),
        ("dead-letters", {"max_message_bytes": "16777216"}, "should have retention.ms=7776000000, but has"),
        ("commands", {}, "should have retention.ms=-1, but has retention.ms=604800000"),
        ("raw", {"cleanup_policy": "compact"}, "should have cleanup.policy=delete"),
    ],
)
def test_what_may_be_somebodys_wish_is_a_warning_with_the_command(
    settings: KafkaSettings, caplog: pytest.LogCaptureFixture, topic: str, config: dict[str, str], said: str
) -> None:
    fresh = made_before(settings, "short", topic, **config)
    create_topics(fresh)
    (line,) = caplog.messages
    assert line.startswith(f"topic {fresh.prefix}{topic} {said}")
    assert f"--alter --topic {fresh.prefix}{topic} --add-config" in line


def test_a_raw_topic_of_small_messages_is_the_senders_business(
    settings: KafkaSettings, caplog: pytest.LogCaptureFixture
) -> None:
    create_topics(made_before(settings, "small", "raw"))
    assert caplog.messages == []


def test_topics_as_created_need_no_word(settings: KafkaSettings, caplog: pytest.LogCaptureFixture) -> None:
    create_topics(settings)
    check_topics(settings)
    assert caplog.messages == []


def test_check_looks_at_what_is_there_alone(settings: KafkaSettings) -> None:
    check_topics(replace(settings, prefix=f"{settings.prefix}nowhere."))


def test_settings_that_may_not_be_seen_are_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    class Denied:
        """An administration whose right to describe was not granted."""

        def describe_configs(
            self, resources: list[ConfigResource], **_: object
        ) -> dict[ConfigResource, Future[dict[str, object]]]:
            answers = {resource: Future[dict[str, object]]() for resource in resources}
            for answer in answers.values():
                answer.set_exception(KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)))
            return answers

    require_settings(Denied(), [Topic("t", 1)], "k:9092")  # type: ignore[arg-type]  # in place of an AdminClient
    (line,) = caplog.messages
    assert line.startswith("topic t should have cleanup.policy=delete")
    assert "its settings are unknown" in line


def test_more_copies_than_brokers_is_one_sentence(settings: KafkaSettings) -> None:
    with pytest.raises(BrokerUnavailable, match="should be created"):
        create_topics(replace(settings, prefix=f"{settings.prefix}three."), replication=3)


def test_embedded_topics_appear_with_four_partitions() -> None:
    with EmbeddedKafka() as broker:
        settings = broker.settings()
        names = create_topics(settings)
        assert create_topics(settings) == names
        found = admin_of(settings).list_topics(timeout=10.0).topics
        assert {name: len(found[name].partitions) for name in names} == dict.fromkeys(names, 4)
