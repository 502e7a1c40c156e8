"""Everything that happens on the topics, as one stream of decoded events, for `ccit status`, `verify` and the demo."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ccit.errors import InputError
from ccit.events import Event, decode
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.closing import Closing
from consumers.kafka.follower import Follower
from consumers.kafka.messages import KafkaMessage
from consumers.kafka.topics import Topic


@dataclass(frozen=True, slots=True)
class Seen:
    """One message, decoded where it is an event; `event` is None on topics that carry other things."""

    message: KafkaMessage
    event: Event | None


class Observer(Closing):
    """Follows several topics from their beginning, without a group, changing nothing."""

    def __init__(self, settings: KafkaSettings, topics: Sequence[Topic]) -> None:
        self._followers = [Follower(settings, topic) for topic in topics]

    def catch_up(self) -> Iterator[Seen]:
        """Everything there is now, topic by topic."""
        for follower in self._followers:
            for messages in follower.to_end():
                yield from map(seen, messages)

    def poll(self) -> Iterator[Seen]:
        """What has come since; never waits."""
        for follower in self._followers:
            yield from map(seen, follower.poll())

    def close(self) -> None:
        """Let go of the broker."""
        for follower in self._followers:
            follower.close()


def seen(message: KafkaMessage) -> Seen:
    """Decode if it is an event."""
    try:
        return Seen(message, decode(message.value, message.headers))
    except InputError:
        return Seen(message, None)
