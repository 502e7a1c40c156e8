"""What a topic that somebody else made must not be like.

A topic may be there before ccit: made by hand, by a broker that creates what is asked for (one partition, 7 days, 1 MB
a message), or by an older release. A wrong policy loses what the guarantees rest on, and a limit below what ccit writes
there ends a process at the first large message, again after each start. Both are refused, with the command that mends
them. A shorter retention may be somebody's wish: it is a warning, except for the log of rounds.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public names that its stubs forget to re-export
    AdminClient,
    ConfigResource,
    ResourceType,
)

from ccit.errors import ConfigError
from consumers.kafka.clients import error_of
from consumers.kafka.topics import Topic

logger = logging.getLogger("ccit.kafka")

REQUEST_TIMEOUT_S = 30.0


def require_settings(client: AdminClient, topics: Iterable[Topic], servers: str) -> None:
    """Look at the settings of topics that exist.

    Parameters
    ----------
    servers : str
        `kafka.bootstrap_servers`, for the command.

    Raises
    ------
    ConfigError
        One of them cannot work.
    """
    wanted = {topic.name: topic for topic in topics}
    if not wanted:
        return
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in wanted]
    for resource, answer in client.describe_configs(resources, request_timeout=REQUEST_TIMEOUT_S).items():
        topic = wanted[resource.name]
        try:
            found = {name: str(entry.value) for name, entry in answer.result().items()}
        except KafkaException as problem:  # the right to describe may be denied to a process that only reads and writes
            logger.warning(
                "topic %s should have %s, but its settings are unknown: %s",
                *(topic.name, _shown(topic.config), error_of(problem).str()),
            )
            continue
        _require(topic, found, servers)


def _require(topic: Topic, found: Mapping[str, str], servers: str) -> None:
    wrong, doubtful = unlike(topic, found)
    if wrong:
        raise ConfigError(
            f"topic {topic.name} must have {_shown(wrong)}, but has {_shown(_same(wrong, found))}; "
            f"run: {command(topic.name, wrong, servers)}"
        )
    if doubtful:
        logger.warning(
            "topic %s should have %s, but has %s: messages that ccit counts on may go too early; run: %s",
            *(topic.name, _shown(doubtful), _shown(_same(doubtful, found)), command(topic.name, doubtful, servers)),
        )


def unlike(topic: Topic, found: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The settings as they should be, of those that cannot work and of those to warn of.

    >>> from consumers.kafka.topics import Topics
    >>> unlike(Topics().rounds, {"cleanup.policy": "delete", "retention.ms": "9", "max.message.bytes": "16777216"})
    ({'retention.ms': '-1'}, {})
    """
    wrong: dict[str, str] = {}
    doubtful: dict[str, str] = {}
    if found["cleanup.policy"] != topic.policy:
        (wrong if topic.written else doubtful)["cleanup.policy"] = topic.policy
    if topic.written and int(found["max.message.bytes"]) < topic.max_message_bytes:
        wrong["max.message.bytes"] = str(topic.max_message_bytes)
    if topic.policy == "delete" and topic.written:
        short = {"retention.ms": str(topic.retention_ms)} if _shorter(topic, int(found["retention.ms"])) else {}
        if topic.retention_ms < 0 and int(found.get("retention.bytes", "-1")) >= 0:
            short["retention.bytes"] = "-1"
        (wrong if topic.audit else doubtful).update(short)
    return wrong, doubtful


def _shorter(topic: Topic, found_ms: int) -> bool:
    return found_ms >= 0 and (topic.retention_ms < 0 or found_ms < topic.retention_ms)


def command(name: str, settings: Mapping[str, str], servers: str) -> str:
    """The line that an operator runs.

    >>> command("ccit.rounds", {"retention.ms": "-1"}, "k:9092")
    'kafka-configs.sh --bootstrap-server k:9092 --alter --topic ccit.rounds --add-config retention.ms=-1'
    """
    return f"kafka-configs.sh --bootstrap-server {servers} --alter --topic {name} --add-config {_shown(settings, ',')}"


def _same(names: Iterable[str], found: Mapping[str, str]) -> dict[str, str]:
    return {name: found[name] for name in names}


def _shown(settings: Mapping[str, str], between: str = ", ") -> str:
    return between.join(f"{name}={value}" for name, value in settings.items())
