"""Who uses which version: pure bookkeeping of versions by number, one of them active.

Requests that begin after `activate` lease the new version; those in flight finish on the one they leased. A version
beyond the `keep` youngest is dropped when its last lease ends. Version 0 is the base model and is always held.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ccit.errors import CcitError


class VersionNotHeld(CcitError):
    """The version asked for is not in memory here."""


class Leases:
    """The versions held in memory. Every method may be called from any thread.

    Parameters
    ----------
    alias : str
        The name that clients ask for; `alias@3` names version 3.
    keep : int
        Versions held besides the base and those still in use; the youngest ones, so that a rollback is instant.
    dropped : Callable[[int], None]
        Told each number that is not held any more. Called under the lock, so it must not call back.

    Example
    -------
    >>> leases = Leases("ccit", keep=1, dropped=lambda number: print("dropped", number))
    >>> leases.hold(1)
    >>> leases.activate(1)
    >>> with leases.lease() as number:
    ...     leases.hold(2)
    ...     leases.activate(2)
    ...     number, leases.active, leases.held
    (1, 2, (0, 1, 2))
    dropped 1
    """

    def __init__(self, alias: str, keep: int, dropped: Callable[[int], None]) -> None:
        self.alias = alias
        self._keep = keep
        self._dropped = dropped
        self._lock = threading.Lock()
        self._users: dict[int, int] = {0: 0}  # number -> leases, in order of last load or activation, youngest last
        self._active = 0
        self.swaps = 0
        """Times that another version became active."""

    @property
    def active(self) -> int:
        """Number of the version that answers new requests."""
        return self._active

    @property
    def held(self) -> tuple[int, ...]:
        """Numbers of the versions in memory, ascending."""
        with self._lock:
            return tuple(sorted(self._users))

    @property
    def in_use(self) -> int:
        """Leases that have not ended, of all versions together."""
        with self._lock:
            return sum(self._users.values())

    def hold(self, number: int) -> None:
        """Take in a version that has been loaded; it answers nobody until `activate`."""
        with self._lock:
            self._users[number] = self._users.pop(number, 0)  # the youngest, also when it was there
            self._drop_old(spare=number)

    def touch(self, number: int) -> None:
        """Make a held version the youngest, so that it stays. Raises `VersionNotHeld`."""
        with self._lock:
            self._require(number)
            self._users[number] = self._users.pop(number)
            self._drop_old()

    def activate(self, number: int) -> None:
        """Let a held version answer all requests from now on.

        Raises
        ------
        VersionNotHeld
            It was not loaded, or has been dropped since; the active version stays.
        """
        with self._lock:
            self._require(number)
            self.swaps += number != self._active
            self._active = number
            self._users[number] = self._users.pop(number)
            self._drop_old()

    @contextmanager
    def lease(self, number: int | None = None) -> Iterator[int]:
        """Hold a version while using it, and get its number: the active one, or the one asked for.

        Raises
        ------
        VersionNotHeld
            `number` is not held.
        """
        with self._lock:
            leased = self._active if number is None else number
            self._require(leased)
            self._users[leased] += 1
        try:
            yield leased
        finally:
            with self._lock:
                self._users[leased] -= 1
                self._drop_old()

    def name(self, number: int) -> str:
        """`alias@number`."""
        return f"{self.alias}@{number}"

    def _require(self, number: int) -> None:
        if number not in self._users:
            held = ", ".join(self.name(n) for n in sorted(self._users))
            raise VersionNotHeld(f"{self.name(number)} is not held in memory here; held are {held}")

    def _drop_old(self, spare: int = 0) -> None:
        """Called under the lock. The base, the active one, those in use and `spare` stay."""
        versions = [number for number in self._users if number != 0]
        for number in versions[: max(0, len(versions) - self._keep)]:
            if number not in (self._active, spare) and not self._users[number]:
                del self._users[number]
                self._dropped(number)
