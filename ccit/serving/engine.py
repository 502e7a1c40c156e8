"""Requests wait in a bounded line, and at most so many generate at once; each is pinned to the version it began with.

The engine belongs to one event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from ccit.errors import CcitError
from ccit.ports.serving import Delta, Sampling
from ccit.serving.slots import Slots


class Overloaded(CcitError):
    """The line of waiting requests is full."""


@dataclass(frozen=True)
class Answer:
    """An answer under way: the version that gives it, and its pieces as they come."""

    version: int
    deltas: AsyncIterator[Delta]


class Engine:
    """Runs generations over the slots.

    Parameters
    ----------
    concurrency : int
        Answers under way at the same time.
    queue : int
        Requests that may wait for their turn; one more is refused.
    """

    def __init__(self, slots: Slots, concurrency: int = 32, queue: int = 64) -> None:
        self.slots = slots
        self._queue = queue
        self._turn = asyncio.Semaphore(concurrency)
        self.waiting = 0

    @asynccontextmanager
    async def answer(
        self, prompt: Sequence[int], sampling: Sampling, version: int | None = None
    ) -> AsyncIterator[Answer]:
        """Wait for a turn, lease a version (the active one, or the one asked for) and answer; leaving stops it.

        Raises
        ------
        Overloaded
            Too many wait already.
        VersionNotHeld
            `version` is not held.
        """
        await self._wait_for_turn()
        try:
            with self.slots.lease(version) as leased:
                async with aclosing(self.slots.backend.stream(leased, prompt, sampling)) as deltas:
                    yield Answer(leased, deltas)
        finally:
            self._turn.release()

    async def _wait_for_turn(self) -> None:
        if self._turn.locked() and self.waiting >= self._queue:
            raise Overloaded(f"{self.waiting} requests are waiting already; try again in a moment")
        self.waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self.waiting -= 1
