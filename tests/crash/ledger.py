"""What the topics say, as a read-committed reader sees them: every decision, every round, every version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import orjson

from ccit.events import CandidateJudged, CommandIssued, Event, RoundPlanned, VersionPromoted, VersionRolledBack
from ccit.records import Position, Round
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.follower import Follower
from consumers.kafka.messages import KafkaMessage
from consumers.kafka.topics import Topic, Topics
from consumers.reading import event_in
from tests.crash.feed import is_poison, number_of, value_of


class Ledger:
    """What five topics say, in the form that the laws ask for; it knows no broker.

    `decisions` counts each record id, whatever was decided; `samples` is the pool's log; `rounds` the audit line.
    """

    def __init__(self, topics: Topics) -> None:
        self._samples_topic, self._letters_topic = topics.samples.name, topics.dead_letters.name
        self.decisions: Counter[str] = Counter()
        self.by_topic: Counter[str] = Counter()
        self.samples: dict[Position, str] = {}  # place in the log -> sample id
        self.contents: Counter[str] = Counter()  # content digests of the samples
        self.letters_altered = 0  # dead letters that do not carry the bytes that were fed
        self.events: list[Event] = []  # of `rounds` and `model-versions`, each in its own order
        self.planned: list[Round] = []  # in the log's order, a repeated plan as often as it is there
        self.outcomes: Counter[str] = Counter()  # by round id
        self.failed: set[str] = set()  # rounds that could not be trained

    @property
    def used(self) -> Counter[str]:
        """How many rounds with an outcome each sample is in."""
        rounds = {planned.round_id: planned for planned in self.planned}
        return Counter(
            sample_id
            for round_id in self.outcomes
            if round_id in rounds
            for sample_id in (*rounds[round_id].sample_ids, *rounds[round_id].validation_ids)
        )

    @property
    def promoted(self) -> set[int]:
        """The numbers of the versions that were announced as new."""
        return {e.announcement.version.number for e in self.events if isinstance(e, VersionPromoted)}

    @property
    def rollbacks(self) -> int:
        """How often an older version was made active again."""
        return sum(isinstance(event, VersionRolledBack) for event in self.events)

    @property
    def waiting(self) -> int:
        """Samples that no round with an outcome has used."""
        return len(self.samples) - len(self.used)

    def take_decision(self, message: KafkaMessage) -> None:
        """Take in a message of `samples`, `rejects` or `dead-letters`."""
        self.by_topic[message.topic] += 1
        self.decisions[record_id_in(message)] += 1
        if message.topic == self._letters_topic:
            self.letters_altered += not is_letter_of_the_feed(message)
        if message.topic == self._samples_topic:
            value = orjson.loads(message.value or b"")
            place = Position(message.partition, message.offset)
            self.samples[place] = value["decision"]["sample"]["sample_id"]
            self.contents[value["content_digest"]] += 1

    def take_event(self, event: Event) -> None:
        """Take in what a message of `rounds` or `model-versions` says."""
        self.events.append(event)
        if isinstance(event, RoundPlanned):
            self.planned.append(event.planned)
        elif isinstance(event, CandidateJudged):
            self.outcomes[event.round_id] += 1
            if event.verdict is None:
                self.failed.add(event.round_id)


class LiveLedger(Ledger):
    """A ledger that follows the topics as a read-committed reader."""

    def __init__(self, settings: KafkaSettings) -> None:
        topics = Topics(settings.prefix)
        super().__init__(topics)
        self._decided = [Follower(settings, t) for t in (topics.samples, topics.rejects, topics.dead_letters)]
        self._line = [Follower(settings, t) for t in (topics.rounds, topics.model_versions)]

    def poll(self) -> None:
        """Take in what has come since."""
        for follower in (*self._decided, *self._line):
            while messages := follower.poll():
                self._take(follower, messages)

    def catch_up(self) -> None:
        """Read every topic to its end."""
        for follower in (*self._decided, *self._line):
            for messages in follower.to_end():
                self._take(follower, messages)

    def close(self) -> None:
        """Let go of the broker."""
        for follower in (*self._decided, *self._line):
            follower.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self, follower: Follower, messages: list[KafkaMessage]) -> None:
        for message in messages:
            if follower not in self._line:
                self.take_decision(message)
            elif (event := event_in(message)) is not None:
                self.take_event(event)


def keys_of(settings: KafkaSettings, topic: Topic) -> Counter[str]:
    """How often each key is on a topic."""
    with Follower(settings, topic) as follower:
        return Counter((m.key or b"").decode() for messages in follower.to_end() for m in messages)


def rollback_commands(settings: KafkaSettings) -> set[str]:
    """The ids of the commands to roll back."""
    with Follower(settings, Topics(settings.prefix).commands) as follower:
        events = [event_in(message) for messages in follower.to_end() for message in messages]
    commands = [event.command for event in events if isinstance(event, CommandIssued)]
    return {command.command_id for command in commands if command.verb == "rollback"}


def traces(settings: KafkaSettings) -> dict[str, list[str]]:
    """Every place at which a record shows that has more than one decision: where to begin to look for the reason."""
    topics = Topics(settings.prefix)
    found: dict[str, list[str]] = {}
    decided: Counter[str] = Counter()
    for topic in (topics.raw, topics.records, topics.samples, topics.rejects, topics.dead_letters):
        with Follower(settings, topic) as follower:
            for message in follower.catch_up():
                is_decision = topic not in (topics.raw, topics.records)
                record = record_id_in(message) if is_decision else (message.key or b"").decode()
                decided[record] += is_decision
                place = f"{topic.name}[{message.partition}]@{message.offset} {message.timestamp_ms}"
                found.setdefault(record, []).append(place)
    return {record: places for record, places in found.items() if decided[record] > 1}


def is_letter_of_the_feed(message: KafkaMessage) -> bool:
    """Whether a dead letter carries poison, byte for byte as it was fed."""
    number = number_of((message.key or b"").decode())
    return is_poison(number) and message.value == value_of(number)


def record_id_in(message: KafkaMessage) -> str:
    """The record that a decision is about: a dead letter keeps the record's key, which is its id here."""
    if message.header("ccit_reason") is not None:
        return (message.key or b"").decode()
    return str(orjson.loads(message.value or b"")["decision"]["sample"]["record_id"])


def plans_in_order(planned: list[Round]) -> Iterator[Round]:
    """The plans without immediate repeats: a round that was taken up again is one plan."""
    last = ""
    for one in planned:
        if one.round_id != last:
            yield one
        last = one.round_id
