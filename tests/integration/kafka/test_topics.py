"""Topics on both brokers: created once, left alone afterwards, refused where order or compaction is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ccit.errors import BrokerUnavailable, ConfigError
from consumers.kafka.clients import KafkaSettings, client_config
from consumers.kafka.embedded import EmbeddedKafka
from consumers.kafka.topics import Topics, create_topics


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
