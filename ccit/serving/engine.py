"""So many answers are made at once, the others wait in line; each is pinned to the version that it began with.

A turn ends when the answer has been made, not when it has been read: whoever reads slowly holds nobody up.

The engine belongs to one event loop.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from ccit.ports.serving import Delta, Sampling
from ccit.serving.line import Line
from ccit.serving.slots import Slots


@dataclass(frozen=True)
class AnswerStream:
    """Answers to one prompt under way: the version that gives them, and their pieces as they come, by choice."""

    version: int
    deltas: AsyncIterator[tuple[int, Delta]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be answered.

    Parameters
    ----------
    prompt : Sequence[int]
        Token ids.
    samplings : Sequence[Sampling]
        One for each choice.
    version : int | None
        None is the active one.
    client : str
        Who asks: clients take turns.
    """

    prompt: Sequence[int]
    samplings: Sequence[Sampling]
    version: int | None = None
    client: str = ""


class Watcher(Protocol):
    """Is told how one request goes, in the event loop."""

    def begun(self, version: int) -> None:
        """It has its turn, and its version."""

    def made(self, choice: int, delta: Delta) -> None:
        """One answer has one token more."""


class _Made(asyncio.Queue[tuple[int, Delta | None]]):
    """Pieces by choice; None is the end of one."""

    def __init__(self, watcher: Watcher | None) -> None:
        super().__init__()
        self._watcher = watcher

    def add(self, choice: int, delta: Delta) -> None:
        if self._watcher is not None:
            self._watcher.made(choice, delta)
        self.put_nowait((choice, delta))


class Engine:
    """Runs generations over the slots.

    Parameters
    ----------
    concurrency : int
        Answers under way at the same time.
    queue : int
        Requests that may wait for their turn; one more is refused.
    timeout : float
        Seconds that a request may wait for its turn.
    """

    def __init__(self, slots: Slots, concurrency: int = 32, queue: int = 64, timeout: float = 60) -> None:
        self.slots = slots
        self._line = Line(concurrency, queue, timeout)
        self.running = Counter[int]()
        """Requests being answered, by version."""

    @property
    def waiting(self) -> int:
        """Requests that wait for their turn."""
        return self._line.waiting

    def require_place(self, client: str) -> None:
        """Raise `Overloaded` where a request of this client would be refused at once."""
        self._line.require_place(client)

    @asynccontextmanager
    async def answer(self, asked: Asked, watcher: Watcher | None = None) -> AsyncIterator[AnswerStream]:
        """Wait for a turn, lease a version and answer; leaving stops it.

        Raises
        ------
        Overloaded
            Too many wait already, or the wait took too long.
        VersionNotHeld
            The version is not held.
        """
        await self._line.take(asked.client)
        turn = _Turn(self._line, self.running)
        try:
            with self.slots.lease(asked.version) as leased:
                turn.begin(leased)
                if watcher is not None:
                    watcher.begun(leased)
                made = _Made(watcher)
                streams = [self.slots.backend.stream(leased, asked.prompt, sampling) for sampling in asked.samplings]
                tasks = [asyncio.create_task(_make(made, choice, deltas)) for choice, deltas in enumerate(streams)]
                asyncio.gather(*tasks, return_exceptions=True).add_done_callback(lambda _: turn.end())
                try:
                    async with aclosing(_merged(made, tasks)) as deltas:
                        yield AnswerStream(leased, deltas)
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.wait(tasks)
        finally:
            turn.end()


class _Turn:
    def __init__(self, line: Line, running: Counter[int]) -> None:
        self._line, self._running, self._ended = line, running, False
        self._version: int | None = None

    def begin(self, version: int) -> None:
        self._version = version
        self._running[version] += 1

    def end(self) -> None:
        if self._ended:
            return
        self._ended = True
        self._line.give_back()
        if self._version is not None:
            self._running -= Counter([self._version])


async def _make(made: _Made, choice: int, deltas: AsyncGenerator[Delta]) -> None:
    try:
        async with aclosing(deltas):
            async for delta in deltas:
                made.add(choice, delta)
    finally:
        made.put_nowait((choice, None))


async def _merged(made: _Made, tasks: Sequence[asyncio.Task[None]]) -> AsyncGenerator[tuple[int, Delta]]:
    left = len(tasks)
    while left:
        choice, delta = await made.get()
        if delta is not None:
            yield choice, delta
            continue
        await tasks[choice]  # raises what ended it
        left -= 1
