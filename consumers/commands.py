"""The commands topic: operators write, the trainer reads and answers each once, in order.

A command is answered when the group's committed offset has passed it, and the offset moves in the transaction that
carries the answer. `rollback`, `hold` and `resume` are answered at once. A `round-now` is answered by the next plan, in
whose transaction its offset moves, or at once where too few samples wait. Until then it waits: while a round is at
work or training is held. A trainer that dies meanwhile reads it again.

Other commands do not wait for a waiting `round-now`, but their offset would pass it. So it is written again behind
them, under its id, in the transaction that answers them: no state but the topic's own, and nothing asked for is
forgotten. Several that wait are answered by one plan.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections import deque
from collections.abc import Iterator
from typing import Literal

from confluent_kafka import KafkaException

from ccit.errors import BrokerUnavailable
from ccit.events import CommandIssued, encode
from ccit.records import Command
from consumers.kafka.clients import KafkaSettings, error_of, producer
from consumers.kafka.follower import Follower, require_topic
from consumers.kafka.messages import GroupOffset, KafkaMessage, Output
from consumers.kafka.receipts import Receipts
from consumers.kafka.topics import Topic, Topics
from consumers.reading import event_in

logger = logging.getLogger("ccit.train")

_SURELY_NEW_S = 24 * 3600.0  # no broker forgets an offset sooner: what is younger cannot have been answered

Verb = Literal["rollback", "hold", "resume", "round-now"]


class CommandFollower:
    """Reads every command of one alias, and knows which are still to be answered.

    Those that an earlier life answered only tell whether training is held.
    """

    def __init__(self, settings: KafkaSettings, alias: str) -> None:
        self.held = False
        self.round_now: Command | None = None  # the last one read, if it waits for a plan
        self._alias = alias
        self._topic = Topics(settings.prefix).commands
        self._follower = Follower(settings, self._topic)
        self._queue: deque[tuple[Command, GroupOffset]] = deque()
        self._answered_to = 0  # first offset not answered yet, as committed; 0 where nothing was
        self._after_round_now: GroupOffset | None = None

    def catch_up(self, answered_to: int | None, now: float) -> None:
        """Read to the end; commands below the offset `answered_to` are answered.

        Parameters
        ----------
        answered_to : int or None
            As committed. None where the broker knows none: nothing was ever answered, or the broker has forgotten it,
            as it does a week after the last commit. To obey a rollback again is worse than to miss one: what was asked
            for more than a day before `now` then counts as answered.
        """
        self._answered_to = answered_to or 0
        for messages in self._follower.to_end():
            for message, (command, after) in self._commands_in(messages):
                old = answered_to is None and now - message.timestamp_ms / 1000 > _SURELY_NEW_S
                if old:
                    logger.warning("command %s of long ago counts as answered; give it again if not", command.verb)
                if old or after.offset <= (answered_to or 0):
                    self._answered_to = max(self._answered_to, after.offset)
                    self._take_in(command)
                else:
                    self._queue.append((command, after))

    def first(self) -> Command | None:
        """The command to obey now; it stays the first until `obeyed`.

        None when there is none, and once after each `round-now`: a plan is to answer it before those behind it.
        """
        self._queue.extend(self._read(self._follower.poll()))
        if not self._queue:
            return None
        command, after = self._queue[0]
        if command.verb != "round-now":
            return command
        self._queue.popleft()
        self.round_now, self._after_round_now = command, after
        return None

    def obeying(self, at: float) -> tuple[list[Output], GroupOffset]:
        """What goes into the transaction that answers the first command: a waiting `round-now` anew, and the offset."""
        again = [_output(self.round_now, at, self._topic)] if self.round_now else []
        return again, self._queue[0][1]

    def obeyed(self) -> None:
        """That transaction counts; a `round-now` that was written again will be read again."""
        command, after = self._queue.popleft()
        self._take_in(command)
        self.round_now = self._after_round_now = None
        self._answered_to = after.offset

    def answering(self) -> list[GroupOffset]:
        """What goes into the transaction that answers a `round-now`, and into every plan.

        The offset as it is goes into plans, because a broker forgets one that was not committed for a week.
        """
        if self._after_round_now is not None:
            return [self._after_round_now]
        return (
            [GroupOffset(self._topic.name, self._topic.partition or 0, self._answered_to)] if self._answered_to else []
        )

    def answered(self) -> None:
        """That transaction counts."""
        if self._after_round_now is not None:
            self._answered_to = self._after_round_now.offset
        self.round_now = self._after_round_now = None

    def close(self) -> None:
        """Let go of the broker."""
        self._follower.close()

    def _take_in(self, command: Command) -> None:
        if command.verb in ("hold", "resume"):
            self.held = command.verb == "hold"

    def _read(self, messages: list[KafkaMessage]) -> list[tuple[Command, GroupOffset]]:
        return [found for _, found in self._commands_in(messages)]

    def _commands_in(self, messages: list[KafkaMessage]) -> Iterator[tuple[KafkaMessage, tuple[Command, GroupOffset]]]:
        for message in messages:
            event = event_in(message)
            if isinstance(event, CommandIssued) and event.command.alias == self._alias:
                yield message, (event.command, GroupOffset(message.topic, message.partition, message.next_offset))


def issue(settings: KafkaSettings, alias: str, verb: Verb, to: int | None = None) -> Command:
    """Write a command and return once the broker has it.

    Raises
    ------
    BrokerUnavailable
        It could not be written; nothing was asked for.
    """
    command = Command(verb, alias, uuid.uuid4().hex[:12], to)
    topic = Topics(settings.prefix).commands
    client = producer(settings)
    receipts = Receipts([_output(command, time.time(), topic)])
    try:
        require_topic(client, settings, topic.name)
        receipts.produce(client)
        receipts.flush(client)
    except KafkaException as problem:
        raise BrokerUnavailable(
            f"the command {verb} should reach topic {topic.name} at {settings.bootstrap_servers}, but "
            f"{error_of(problem).str()}; nothing was asked for: mend that and try again"
        ) from problem
    return command


def _output(command: Command, at: float, topic: Topic) -> Output:
    value, headers = encode(CommandIssued(command), at=at, source="ccit/operator")
    return Output(topic.name, command.alias.encode(), value, headers, topic.partition)
