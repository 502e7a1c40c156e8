"""One system under test: its configuration, its topics, its feed, its processes, and the wait for it to settle."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import tomli_w
from confluent_kafka import Consumer, TopicPartition

from ccit.events import CandidateJudged
from ccit.store.files import FileStore
from consumers.kafka.clients import KafkaSettings, reader_config
from consumers.kafka.follower import Follower
from consumers.kafka.offsets import committed_offsets
from consumers.kafka.topic_creation import create_topics
from consumers.kafka.topics import Topic, Topics
from tests.crash.feed import Feed, digest_of_content, is_poison, key_of, times_fed
from tests.crash.laws import Breaches, Sent, judged
from tests.crash.ledger import LiveLedger, keys_of, rollback_commands
from tests.crash.parts import fails, ifd_of
from tests.crash.slot import Slot

ROUND_SIZE = 12
MAX_IFD = 1.0


class System:
    """Everything of one run.

    Parameters
    ----------
    settings : KafkaSettings
        Of a real broker, with a prefix of this run's own.
    folder : Path
        For the configuration, the artifact store and one log per process.
    accepted_share : float
        Of the records that are neither poison nor copies, 0 to 0.8.
    fails : callable
        Which rounds, by their id, cannot be trained.
    sections : Mapping
        Section -> key -> value, over the configuration made here.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        folder: Path,
        accepted_share: float = 1 / 3,
        batch_size: int = 50,
        replication: int = 1,
        sections: Mapping[str, Mapping[str, Any]] | None = None,
        fails: Callable[[str], bool] = fails,
    ) -> None:
        self.settings = settings
        self._fails = fails
        self.topics = Topics(settings.prefix)
        self.logs = folder / "logs"
        self.store = FileStore(folder / "store")
        folder.mkdir(parents=True, exist_ok=True)
        self._min_ifd = MAX_IFD - 1.2 * accepted_share
        self.config = folder / "ccit.toml"
        written = _sections(settings, folder, self._min_ifd, batch_size, replication)
        for name, section in (sections or {}).items():
            written[name] = {**written.get(name, {}), **section}
        self.config.write_text(tomli_w.dumps(written), encoding="utf-8")
        create_topics(settings, replication=replication)
        self.feed = Feed(settings)
        self.ledger = LiveLedger(settings)
        self.slots: list[Slot] = []

    def slot(self, role: str, name: str, instance: str = "") -> Slot:
        """A new place for a process; its log is named by `name`, the process by `instance` if that is given."""
        self.slots.append(Slot(role, name, self.config, self.logs, instance))
        return self.slots[-1]

    def decided(self) -> bool:
        """Every message has its decision."""
        self.ledger.poll()
        if not all(key_of(n) in self.ledger.decisions for n in range(self.feed.published)):
            return False  # cheaper than what follows, which reads all of `raw`
        return not keys_of(self.settings, self.topics.raw) - self.ledger.decisions

    def settled(self) -> bool:
        """Every message is decided, fewer samples wait than a round needs, and every command is answered."""
        self.ledger.poll()
        return self.ledger.waiting < ROUND_SIZE and self.decided() and not self.unanswered()

    def settle(self, timeout_s: float, meanwhile: Callable[[], None] = lambda: None, *, rounds: bool = True) -> None:
        """Wait until `settled`, or just `decided` where no rounds are run; `TimeoutError` says what is missing."""
        deadline = time.monotonic() + timeout_s
        while not (self.settled() if rounds else self.decided()):
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{self.feed.sent - self.ledger.decisions.total()} messages are undecided and "
                    f"{self.ledger.waiting} samples and {self.unanswered()} commands wait after "
                    f"{timeout_s:g} s; the logs are in {self.logs}"
                )
            meanwhile()
            time.sleep(0.2)

    def truth(self) -> Breaches:
        """The laws, over everything read again from the beginning."""
        with LiveLedger(self.settings) as ledger:
            ledger.catch_up()
            raw, ingested = (keys_of(self.settings, t) for t in (self.topics.raw, self.topics.records))
            fed, rollbacks = self.feed.published, len(rollback_commands(self.settings))
            asked = Sent(fed, raw, ingested, self.wanted(fed), rollbacks, self._fails)
            return judged(ledger, asked, self.committed(self.topics.samples), self.unanswered(), self.store)

    def wanted(self, records: int) -> set[str]:
        """Digests of the contents among so many records that the thresholds admit: by their IFD, as nothing else that
        is fed is too short, or near to another content."""
        contents = {digest_of_content(number) for number in range(records) if not is_poison(number)}
        return {content for content in contents if self._min_ifd < ifd_of(content) < MAX_IFD}

    def summary(self) -> dict[str, int]:
        """How much there was, for the page."""
        ledger, prefix, fed = self.ledger, self.settings.prefix, self.feed.published
        ledger.poll()
        meant = Counter({key_of(number): times_fed(number, fed) for number in range(fed)})
        return {
            "records": fed,
            "records fed again under their id": meant.total() - fed,
            "records that the feed wrote twice": (keys_of(self.settings, self.topics.raw) - meant).total(),
            **{name: ledger.by_topic[f"{prefix}{name}"] for name in ("samples", "rejects", "dead-letters")},
            "samples still waiting": ledger.waiting,
            "rounds with an outcome": len(ledger.outcomes),
            "rounds that could not be trained, as drawn": len(ledger.failed),
            "versions": sum(isinstance(e, CandidateJudged) and e.number is not None for e in ledger.events),
            "copies admitted by scorers at the same time": sum(count - 1 for count in ledger.contents.values()),
        }

    def unanswered(self) -> int:
        """Commands that the trainer has not answered: it commits their offset with the answer."""
        with Follower(self.settings, self.topics.commands) as follower:
            offsets = [message.offset for messages in follower.to_end() for message in messages]
        answered_to = self.committed(self.topics.commands)[0] if offsets else 0
        return sum(offset >= answered_to for offset in offsets)

    def committed(self, topic: Topic) -> dict[int, int]:
        """The trainer group's committed offsets on a topic, by partition; 0 where there is none."""
        consumer = Consumer(reader_config(self.settings, f"{self.settings.prefix}train"))
        try:
            places = [TopicPartition(topic.name, p) for p in range(topic.partitions)]
            found = committed_offsets(consumer, places, 30.0)  # one that is not stable is an error, not a 0
        finally:
            consumer.close()
        return {place.partition: max(place.offset, 0) for place in found}

    def close(self) -> None:
        """End what still runs."""
        for slot in self.slots:
            slot.end()
        self.ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _sections(
    settings: KafkaSettings, folder: Path, min_ifd: float, batch_size: int, replication: int
) -> dict[str, dict[str, Any]]:
    """The stub's IFD is uniform between 0 and 1.2: the band below `MAX_IFD` decides how many are accepted."""
    return {
        "kafka": {
            "bootstrap_servers": settings.bootstrap_servers,
            "prefix": settings.prefix,
            "batch_size": batch_size,
            "linger_seconds": 0.05,
            "replication": replication,
            "create_topics": False,
        },
        "selection": {
            "checks": {
                "length": {"min": 10},
                "novelty": {"max_similarity": 0.999},
                "diversity": False,
                "ifd": {"min": min_ifd, "max": MAX_IFD},
            }
        },
        "rounds": {
            "size": ROUND_SIZE,
            "min_size": ROUND_SIZE,
            "sources": {"general": False, "replay": {"ratio": 0.25}},
        },
        # The stub has no general suite.
        "evaluation": {"criteria": {"gain": {"min_points": 0.0}, "forgetting": False, "total_forgetting": False}},
        "store": {"root": str(folder / "store")},
    }
