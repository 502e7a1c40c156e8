"""How far each group has read, and what each replica said last: the facts behind `ccit status`."""

from __future__ import annotations

from dataclasses import dataclass

from confluent_kafka import Consumer, TopicPartition

from ccit.events import CandidateJudged, ReplicaReported, RoundPlanned, VersionPromoted, VersionRolledBack
from ccit.records import ReplicaReport
from consumers.kafka.clients import KafkaSettings, reader_config
from consumers.kafka.topics import Topic, Topics
from consumers.observe import Observer

_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Lag:
    """Messages between a group's committed offset and the end of its topic; control markers count."""

    group: str
    topic: str
    behind: int


@dataclass(frozen=True, slots=True)
class Status:
    """A look at a running system."""

    replicas: tuple[ReplicaReport, ...]
    lags: tuple[Lag, ...]
    rounds_planned: int
    rounds_judged: int
    open_round: str
    announced: int  # sequence of the newest announcement; a replica with a smaller one has yet to follow


def look(settings: KafkaSettings) -> Status:
    """Read what there is; changes nothing and joins no group."""
    topics = Topics(settings.prefix)
    replicas: dict[str, ReplicaReport] = {}
    planned: dict[str, None] = {}
    judged: set[str] = set()
    announced = 0
    with Observer(settings, [topics.replica_status, topics.rounds, topics.model_versions]) as observer:
        for seen in observer.catch_up():
            if isinstance(seen.event, ReplicaReported):
                replicas[seen.event.report.replica_id] = seen.event.report
            elif isinstance(seen.event, RoundPlanned):
                planned[seen.event.round_id] = None
            elif isinstance(seen.event, CandidateJudged):
                judged.add(seen.event.round_id)
            elif isinstance(seen.event, VersionPromoted | VersionRolledBack):
                announced = max(announced, seen.event.announcement.sequence)
    last = next(reversed(planned), "")
    reads = (("ingest", topics.raw), ("score", topics.records), ("train", topics.samples))
    return Status(
        replicas=tuple(replicas[name] for name in sorted(replicas)),
        lags=tuple(_lag(settings, group, topic) for group, topic in reads),
        rounds_planned=len(planned),
        rounds_judged=len(judged),
        open_round="" if last in judged else last,
        announced=announced,
    )


def _lag(settings: KafkaSettings, group: str, topic: Topic) -> Lag:
    consumer = Consumer(reader_config(settings, f"{settings.prefix}{group}"))
    try:
        partitions = consumer.list_topics(topic.name, timeout=_TIMEOUT_S).topics[topic.name].partitions
        places = [TopicPartition(topic.name, number) for number in partitions]
        behind = 0
        for place in consumer.committed(places, timeout=_TIMEOUT_S):
            first, end = consumer.get_watermark_offsets(place, timeout=_TIMEOUT_S)
            behind += end - max(place.offset, first)
        return Lag(group, topic.name, behind)
    finally:
        consumer.close()
