"""How a day's messages reach the system: onto the raw topic, as rows, or through the hospital's door (`door.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ccit.simulation.stream import SimulatedMessage
from consumers.feed import Feeder, Raw
from consumers.kafka.clients import KafkaSettings


class Arrival(Protocol):
    """What the hospital sends, day by day.

    Parameters
    ----------
    roles : Sequence[str]
        Processes that this needs beside the usual ones.
    days : int
        So many are sent.
    total : int
        Messages in all.
    """

    roles: Sequence[str]
    days: int
    total: int

    def send(self, day: int) -> None:
        """Hand over a day's messages. Raises `CcitError`."""

    def arrived(self) -> bool:
        """Whether each of them has become its rows, or what it became instead."""

    @property
    def sent(self) -> int:
        """Messages handed over so far."""

    @property
    def rows(self) -> int:
        """Rows on the raw topic so far, as of the last look of `arrived`."""

    @property
    def expected(self) -> int:
        """Rows that will have been decided in the end, as far as that is known."""

    def account(self) -> dict[str, Any]:
        """What belongs into the summary beside what every demo has; called when all processes have ended."""


class RowArrival:
    """Rows, written to the raw topic as an interface engine writes them."""

    roles: Sequence[str] = ()

    def __init__(self, settings: KafkaSettings, stream: Sequence[SimulatedMessage]) -> None:
        self._feeder = Feeder(settings)
        self._stream = stream
        self.days = stream[-1].day + 1
        self.total = len(stream)

    def send(self, day: int) -> None:
        """Publish a day's rows."""
        self._feeder.send(Raw(m.key, m.value) for m in self._stream if m.day == day)

    def arrived(self) -> bool:
        """They are rows already."""
        return True

    @property
    def sent(self) -> int:
        """Rows that the broker has confirmed."""
        return self._feeder.confirmed

    @property
    def rows(self) -> int:
        """The same."""
        return self.sent

    @property
    def expected(self) -> int:
        """Each of them."""
        return self.total

    def account(self) -> dict[str, Any]:
        """Nothing more."""
        return {}
