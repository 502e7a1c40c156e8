"""The topic table of DESIGN.md. How the topics come into being is in `topic_creation.py`.

The embedded broker gives each topic four partitions. So a topic that must keep one order has `partition == 0`, and
everyone writes to it and reads it there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from consumers.kafka.clients import MAX_MESSAGE_BYTES

_DAY_MS = 24 * 60 * 60 * 1000
_THREE_DAYS_MS = 3 * _DAY_MS
_WEEK_MS = 7 * _DAY_MS
_QUARTER_MS = 90 * _DAY_MS
"""Far longer than the longest round: the samples topic is the pool, and what it drops is lost to training."""
_FOR_EVER_MS = -1
_INCOMING_BYTES = 12 * 1024 * 1024
_SMALL_BYTES = 1_000_000  # commands and reports have some hundred bytes; Kafka's default limit is 1,048,588


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it should be.

    Parameters
    ----------
    name : str
        With its prefix.
    max_message_bytes : int
        Largest message the broker takes (bytes): less for what comes in, so that its dead letter fits with its headers.
    retention_ms : int
        Milliseconds until a message of a `delete` topic may go; -1 keeps all.
    written : bool
        By ccit itself: it then cannot work with less than this.
    audit : bool
        What is gone from it cannot be verified any more.
    """

    name: str
    partitions: int
    policy: Literal["delete", "compact"] = "delete"
    retention_ms: int = _WEEK_MS
    max_message_bytes: int = MAX_MESSAGE_BYTES
    written: bool = True
    audit: bool = False

    @property
    def partition(self) -> int | None:
        """0 where all messages share one order, else `None`: the key chooses."""
        return 0 if self.partitions == 1 else None

    @property
    def config(self) -> dict[str, str]:
        """What the broker is told when it creates the topic."""
        config = {"cleanup.policy": self.policy, "max.message.bytes": str(self.max_message_bytes)}
        if self.policy == "compact":
            return config
        for_ever = {"retention.bytes": "-1"} if self.retention_ms < 0 else {}  # a broker may limit all its topics
        return config | {"retention.ms": str(self.retention_ms)} | for_ever


@dataclass(frozen=True, slots=True)
class Topics:
    """Every topic of one system.

    >>> topics = Topics("ccit.")
    >>> topics.model_versions.name, topics.model_versions.partition, topics.samples.partition
    ('ccit.model-versions', 0, None)
    """

    prefix: str = "ccit."

    @property
    def clinical(self) -> Topic:
        """HL7 v2 and FHIR as they came, with names and all: kept for days, read by de-identification alone."""
        return Topic(f"{self.prefix}clinical", 6, retention_ms=_THREE_DAYS_MS, max_message_bytes=_INCOMING_BYTES)

    @property
    def documents(self) -> Topic:
        """Clinical documents without identities, where rows are to be made of them by `ccit generate`."""
        return Topic(f"{self.prefix}documents", 6, max_message_bytes=_INCOMING_BYTES)

    @property
    def raw(self) -> Topic:
        """What the hospital's interface engine sends, byte for byte."""
        return Topic(f"{self.prefix}raw", 6, max_message_bytes=_INCOMING_BYTES, written=False)

    @property
    def records(self) -> Topic:
        """One record to be scored per message, keyed by the subject that it names, else by its own id."""
        return Topic(f"{self.prefix}records", 6, max_message_bytes=_INCOMING_BYTES)

    @property
    def samples(self) -> Topic:
        """Accepted samples: the pool."""
        return Topic(f"{self.prefix}samples", 4, retention_ms=_QUARTER_MS)

    @property
    def rejects(self) -> Topic:
        """Refused samples with their content, scores and reason."""
        return Topic(f"{self.prefix}rejects", 4, retention_ms=_QUARTER_MS)

    @property
    def releases(self) -> Topic:
        """What a person lets out of quarantine; give it an access list of its own."""
        return Topic(f"{self.prefix}releases", 1, retention_ms=_QUARTER_MS)

    @property
    def dead_letters(self) -> Topic:
        """Messages that could not be read, with their original bytes."""
        return Topic(f"{self.prefix}dead-letters", 1, retention_ms=_QUARTER_MS)

    @property
    def rounds(self) -> Topic:
        """The log of all rounds: what was planned, trained and judged."""
        return Topic(f"{self.prefix}rounds", 1, retention_ms=_FOR_EVER_MS, audit=True)

    @property
    def model_versions(self) -> Topic:
        """Announcements; the current one per alias and each by number."""
        return Topic(f"{self.prefix}model-versions", 1, "compact")

    @property
    def replica_status(self) -> Topic:
        """What each replica loaded, made active or refused."""
        return Topic(f"{self.prefix}replica-status", 1, "compact", max_message_bytes=_SMALL_BYTES)

    @property
    def commands(self) -> Topic:
        """What operators ask for; kept for ever, because a `hold` holds until a `resume`."""
        return Topic(f"{self.prefix}commands", 1, retention_ms=_FOR_EVER_MS, max_message_bytes=_SMALL_BYTES)

    def __iter__(self) -> Iterator[Topic]:
        """All of them, along the flow."""
        yield from (
            self.clinical,
            self.documents,
            self.raw,
            self.records,
            self.samples,
            self.rejects,
            self.releases,
            self.dead_letters,
        )
        yield from (self.rounds, self.model_versions, self.replica_status, self.commands)
