"""What a loop has decided and has yet to decide, said every ten seconds while it is at work; and who hears it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence

from ccit.errors import BrokerUnavailable
from ccit.events import ReplicaReported
from ccit.records import ReplicaReport
from consumers.kafka.batches import BatchLoop
from consumers.kafka.clients import KafkaSettings, reader
from consumers.kafka.follower import Follower, require_topic
from consumers.kafka.messages import KafkaMessage
from consumers.kafka.topics import Topics
from consumers.reading import event_in

logger = logging.getLogger("ccit.progress")

EVERY_S = 10.0
_LOOK_S = 2.0  # `ccit up` watches its children meanwhile


class Progress:
    """Looks at a loop, in its thread, between batches and while a slow step runs.

    Parameters
    ----------
    say : callable
        Told what to show; an empty text once all is decided.
    """

    def __init__(
        self, loop: BatchLoop, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        loop.backlog.on = True
        self._loop = loop
        self._say = say
        self._clock = clock
        self._since = clock()  # when the messages counted from were there
        self._from = 0
        self._said = False

    def look(self) -> None:
        """Say how far it is, when it is time to; called as often as one likes."""
        now, loop = self._clock(), self._loop
        left = len(loop.in_hand) + loop.waiting + sum(loop.backlog.now.behind.values())
        if not left:
            self._since, self._from = now, loop.counters.messages
            if self._said:
                self._said = False
                self._say("")
            return
        if now - self._since < EVERY_S:
            return
        per_second = (loop.counters.messages - self._from) / (now - self._since)
        sentence = progress_line(loop.counters.messages, left, per_second)
        self._since, self._from, self._said = now, loop.counters.messages, True
        logger.info("%s", sentence)
        self._say(sentence)


def progress_line(decided: int, left: int, per_second: float) -> str:
    """One line for a person.

    Parameters
    ----------
    left : int
        Messages not decided yet, at most: control markers of transactions count too.

    >>> progress_line(120, 180, 0.5)
    '120 decided, 180 to go at 0.5 a second: about 6 min'
    >>> progress_line(0, 300, 0.0)
    '0 decided, 300 to go, the first batch is being scored'
    """
    if not per_second:
        return (
            f"{decided} decided, {left} to go, " + ("the next" if decided else "the first") + " batch is being scored"
        )
    seconds = left / per_second
    about = f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
    return f"{decided} decided, {left} to go at {per_second:.2g} a second: about {about}"


class ProgressFollower:
    """Hears what scorers say of how far they are, for `ccit up`."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._follower: Follower | None = None
        self._heard_at = time.time()  # what was said before is old

    def lines(self) -> Iterator[str]:
        """What was said since the last look, one line each; never waits. Nothing while the topic is not there yet."""
        for message in self._messages():
            event = event_in(message)
            if isinstance(event, ReplicaReported) and self._is_news(event.report):
                yield f"{event.report.replica_id}: {event.report.detail}"

    def _is_news(self, report: ReplicaReport) -> bool:
        at_work = report.role == "score" and report.state == "active" and report.detail
        return bool(at_work) and report.at > self._heard_at

    def close(self) -> None:
        """Let go of the broker."""
        if self._follower is not None:
            self._follower.close()

    def _messages(self) -> Sequence[KafkaMessage]:
        try:
            self._follower = self._follower or self._begun()
            return self._follower.poll()
        except BrokerUnavailable as problem:  # asked again: the consumers are what matters
            logger.debug("progress: %s", problem)
            return ()

    def _begun(self) -> Follower:
        topic = Topics(self._settings.prefix).replica_status
        client = reader(self._settings, f"{self._settings.prefix}follower")
        try:
            require_topic(client, self._settings, topic.name, _LOOK_S)
        finally:
            client.close()
        return Follower(self._settings, topic)
