"""Which version this replica answers with: the one announced last, or the one that an operator has pinned."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ccit.errors import CcitError
from ccit.serving.slots import Slots


class WrongExpectation(CcitError):
    """An operator acted on another version than the one that is active: look again, then ask again."""


class Steering:
    """Pins hold here and now; a roll-back is asked of the trainer, and comes back as an announcement to every replica.

    Every method may be called from any thread.

    Parameters
    ----------
    slots : Slots
        What is in memory.

    Example
    -------
    >>> from types import SimpleNamespace
    >>> slots = Slots(SimpleNamespace(load=lambda *_: None, unload=lambda _: None), "ccit")
    >>> steering = Steering(slots)
    >>> for number in (1, 2):
    ...     slots.load(number, None)
    ...     steering.announce(number)
    >>> steering.pin(1, expected=2), slots.active
    (None, 1)
    >>> slots.load(3, None)
    >>> steering.announce(3), slots.active
    (None, 1)
    >>> steering.unpin(expected=1), slots.active
    (None, 3)
    """

    def __init__(self, slots: Slots) -> None:
        self._slots, self._lock = slots, threading.Lock()
        self._announced = 0
        self.pinned: int | None = None
        self.roll_back: Callable[[int], None] | None = None
        """Asks the trainer for an older version; set by whoever speaks to the broker. May raise `BrokerUnavailable`."""

    def announce(self, number: int) -> None:
        """A version in memory is the one to answer with, unless another is pinned.

        Raises
        ------
        VersionNotHeld
            It is not in memory.
        """
        with self._lock:
            if self.pinned is None:
                self._slots.activate(number)
            else:
                self._slots.touch(number)
            self._announced = number

    def pin(self, number: int, expected: int) -> None:
        """Answer with a version in memory, whatever is announced, until `unpin`.

        Raises
        ------
        WrongExpectation
            Another version than `expected` is active.
        VersionNotHeld
            It is not in memory.
        """
        with self._lock:
            _require(self._slots.active, expected, "is active")
            self._slots.touch(self._announced)  # younger than all but the pin, whatever is pinned after one another
            self._slots.activate(number)
            self.pinned = number

    def unpin(self, expected: int) -> None:
        """Answer with the version announced last. Raises as `pin` does; the pin stays then."""
        with self._lock:
            _require(self._slots.active, expected, "is active")
            self._slots.activate(self._announced)
            self.pinned = None

    def ask_back(self, number: int, expected: int) -> None:
        """Ask for an older version on all replicas.

        Raises
        ------
        WrongExpectation
            Another version than `expected` was announced last; what is pinned here says nothing of all replicas.
        BrokerUnavailable
            The command could not be written.
        """
        with self._lock:
            _require(self._announced, expected, "was announced last")
        if self.roll_back is None:
            raise WrongExpectation("this server follows no broker; there is no trainer to ask")
        self.roll_back(number)


def _require(found: int, expected: int, what: str) -> None:
    if found != expected:
        raise WrongExpectation(f"version {found} {what}, not {expected} as expected; nothing has changed")
