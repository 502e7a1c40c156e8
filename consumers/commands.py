"""The commands topic: operators write, the trainer reads and obeys each once."""

from __future__ import annotations

import time
import uuid
from typing import Literal

from ccit.errors import BrokerUnavailable
from ccit.events import CommandIssued, encode
from ccit.records import Command
from consumers.kafka.clients import KafkaSettings, producer
from consumers.kafka.follower import Follower
from consumers.kafka.messages import Message, Position
from consumers.kafka.topics import Topics
from consumers.reading import event_in

Verb = Literal["rollback", "hold", "resume", "round-now"]


class CommandFollower:
    """Reads every command of one alias; those an earlier life obeyed only tell whether training is held."""

    def __init__(self, settings: KafkaSettings, alias: str) -> None:
        self._alias = alias
        self._follower = Follower(settings, Topics(settings.prefix).commands)
        self._waiting: list[tuple[Command, Position]] = []

    def catch_up(self, obeyed_up_to: int) -> bool:
        """Read to the end; True when the commands obeyed so far leave training held."""
        held = False
        for messages in self._follower.to_end():
            for command, after in self._read(messages):
                if after.offset > obeyed_up_to:
                    self._waiting.append((command, after))
                elif command.verb in ("hold", "resume"):
                    held = command.verb == "hold"
        return held

    def poll(self) -> list[tuple[Command, Position]]:
        """Commands not obeyed yet, each with the position to commit once it is."""
        found = self._waiting + self._read(self._follower.poll())
        self._waiting = []
        return found

    def put_back(self, command: Command, after: Position) -> None:
        """It could not be obeyed now; `poll` gives it again, before later ones."""
        self._waiting.append((command, after))

    def close(self) -> None:
        """Let go of the broker."""
        self._follower.close()

    def _read(self, messages: list[Message]) -> list[tuple[Command, Position]]:
        found = []
        for message in messages:
            event = event_in(message)
            if isinstance(event, CommandIssued) and event.command.alias == self._alias:
                found.append((event.command, Position(message.topic, message.partition, message.offset + 1)))
        return found


def issue(settings: KafkaSettings, alias: str, verb: Verb, to: int | None = None) -> Command:
    """Write a command and return once the broker has it.

    Raises
    ------
    BrokerUnavailable
        It could not be written; nothing was asked for.
    """
    command = Command(verb, alias, uuid.uuid4().hex[:12], to)
    value, headers = encode(CommandIssued(command), at=time.time(), source="ccit/operator")
    topic = Topics(settings.prefix).commands
    client = producer(settings)
    client.produce(topic.name, value=value, key=alias.encode(), partition=topic.partition or 0, headers=list(headers))
    if client.flush(15.0):
        raise BrokerUnavailable(f"the command {verb} did not reach {settings.bootstrap_servers} within 15 s; try again")
    return command
