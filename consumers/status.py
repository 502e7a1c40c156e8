"""How far each group has read, and what each replica said last: the facts behind `ccit status`.

It looks at a system that may be in trouble, so what the broker does not tell is unknown, and never the end of the look.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Literal

from confluent_kafka import Consumer, KafkaException, TopicPartition

from ccit.audit import of_alias
from ccit.events import (
    CandidateJudged,
    DriftFound,
    Event,
    ProxyAudited,
    ReplicaReported,
    RoundPlanned,
    VersionPromoted,
    VersionRolledBack,
)
from ccit.records import Announcement, Concordance, Drift, ReplicaReport, ReplicaState, Round, Spend
from consumers.kafka.clients import KafkaSettings, error_of, reader
from consumers.kafka.offsets import committed_offsets
from consumers.kafka.topics import Topic, Topics
from consumers.observe import Observer
from consumers.reports import REPEAT_S

logger = logging.getLogger("ccit.status")

_TIMEOUT_S = 5.0  # of one question
_SILENT_AFTER_S = 3 * REPEAT_S
_FORGOTTEN_AFTER_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica's last report, as its age lets it be read.

    Parameters
    ----------
    state : str
        As reported; `silent` where a process that had not stopped has said nothing for three minutes: it was killed,
        hangs, or does not reach the broker.
    at : float
        When it spoke last, by its own clock.
    audit : tuple[Concordance, ...]
        What a scorer has found of its proxy, by version.
    drifts : tuple[Drift, ...]
        What it has found in the samples topic.
    """

    replica_id: str
    role: str
    state: ReplicaState | Literal["silent"]
    version: int
    sequence: int
    detail: str
    at: float
    spent: Spend
    audit: tuple[Concordance, ...] = ()
    drifts: tuple[Drift, ...] = ()


def heard(
    report: ReplicaReport, now: float, audit: tuple[Concordance, ...] = (), drifts: tuple[Drift, ...] = ()
) -> Replica:
    """Read a report at a time, with what its proxy audit and its drift monitor have found."""
    silent = report.state != "stopped" and now - report.at > _SILENT_AFTER_S
    return Replica(
        report.replica_id,
        report.role,
        "silent" if silent else report.state,
        report.version,
        report.sequence,
        report.detail,
        report.at,
        report.spent,
        audit,
        drifts,
    )


@dataclass(frozen=True, slots=True)
class Lag:
    """Messages between a group's committed offset and the end of its topic; control markers count.

    `behind` is None where the broker did not tell.
    """

    group: str
    topic: str
    behind: int | None


@dataclass(frozen=True, slots=True)
class Status:
    """A look at a running system.

    Parameters
    ----------
    open_round : str
        Planned, without an outcome, and still to be made; empty when there is none.
    announced : int
        Sequence of the alias's newest announcement; a replica with a smaller one has yet to follow.
    """

    replicas: tuple[Replica, ...]
    lags: tuple[Lag, ...]
    rounds_planned: int
    rounds_judged: int
    open_round: str
    announced: int

    def recent(self, now: float) -> Status:
        """Without the replicas that said nothing for a day: processes named by their id leave one behind each."""
        return replace(self, replicas=tuple(r for r in self.replicas if now - r.at <= _FORGOTTEN_AFTER_S))


def look(settings: KafkaSettings, alias: str) -> Status:
    """Read what there is of one alias; changes nothing and joins no group.

    Raises
    ------
    BrokerUnavailable
        The topics cannot be read.
    """
    topics = Topics(settings.prefix)
    replicas: dict[str, ReplicaReport] = {}
    audits: dict[str, tuple[Concordance, ...]] = {}
    drifts: dict[str, tuple[Drift, ...]] = {}
    events: list[Event] = []
    with Observer(settings, [topics.replica_status, topics.rounds, topics.model_versions]) as observer:
        for seen in observer.catch_up():
            if isinstance(seen.event, ReplicaReported):
                replicas[seen.event.report.replica_id] = seen.event.report
            elif isinstance(seen.event, ProxyAudited):
                audits[seen.event.replica_id] = seen.event.found
            elif isinstance(seen.event, DriftFound):
                drifts[seen.event.replica_id] = seen.event.found
            elif seen.event is not None:
                events.append(seen.event)
    own = of_alias(events, alias)
    planned = {event.round_id: event.planned for event in own if isinstance(event, RoundPlanned)}
    judged = {event.round_id for event in own if isinstance(event, CandidateJudged)}
    announcements = [e.announcement for e in own if isinstance(e, VersionPromoted | VersionRolledBack)]
    newest = max(announcements, key=lambda announcement: announcement.sequence, default=None)
    reads = (
        *(("clinical", topics.clinical), ("generate", topics.documents), ("ingest", topics.raw)),
        *(("score", topics.records), ("score", topics.releases), ("train", topics.samples)),
    )
    return Status(
        replicas=tuple(
            heard(replicas[name], time.time(), audits.get(name, ()), drifts.get(name, ())) for name in sorted(replicas)
        ),
        lags=tuple(Lag(group, topic.name, _behind(settings, group, topic)) for group, topic in reads),
        rounds_planned=len(planned),
        rounds_judged=len(judged),
        open_round=_open(planned, judged, newest),
        announced=newest.sequence if newest else 0,
    )


def _open(planned: dict[str, Round], judged: Set[str], newest: Announcement | None) -> str:
    """The last planned round, unless it has its outcome, or its parent is no longer active (the trainer drops it)."""
    last = next(reversed(planned), "")
    if not last or last in judged:
        return ""
    return last if planned[last].parent == (newest.version.number if newest else 0) else ""


def _behind(settings: KafkaSettings, group: str, topic: Topic) -> int | None:
    """How far a group is behind; None where that is not to be had, which is logged.

    A read-committed client asks for stable offsets and waits while the transaction of a dead member is open; this one
    takes the last that was committed.
    """
    consumer = reader(settings, f"{settings.prefix}{group}", unstable=True)
    try:
        return _distance(consumer, topic)
    except KafkaException as problem:
        logger.warning("how far %s has read %s is unknown: %s", group, topic.name, error_of(problem).str())
        return None
    finally:
        consumer.close()


def _distance(consumer: Consumer, topic: Topic) -> int:
    found = consumer.list_topics(topic.name, timeout=_TIMEOUT_S).topics[topic.name]
    if found.error is not None:
        raise KafkaException(found.error)
    places = [TopicPartition(topic.name, number) for number in found.partitions]
    behind = 0
    for place in committed_offsets(consumer, places, _TIMEOUT_S):
        first, end = consumer.get_watermark_offsets(place, timeout=_TIMEOUT_S)
        behind += max(end - max(place.offset, first), 0)
    return behind
