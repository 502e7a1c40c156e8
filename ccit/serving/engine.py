"""Requests wait in a bounded line, and at most so many generate at once, each in a thread of its own.

The engine belongs to one event loop. Threads hand their tokens over to it; a caller that goes away stops its thread at
the next token.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from ccit.errors import CcitError
from ccit.ports.serving import Backend, Delta, Sampling
from ccit.serving.slots import Slots

logger = logging.getLogger("ccit.serving")


class Overloaded(CcitError):
    """The line of waiting requests is full."""


class GenerationFailed(CcitError):
    """The device gave up in the middle of an answer (out of memory, mostly); other answers go on."""


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

    def __init__(self, slots: Slots, concurrency: int = 2, queue: int = 64) -> None:
        self.slots = slots
        self._queue = queue
        self._turn = asyncio.Semaphore(concurrency)
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="generate")
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
                generation = _Generation(self.slots.backend, leased, prompt, sampling)
                running = asyncio.get_running_loop().run_in_executor(self._threads, generation.run)
                try:
                    yield Answer(leased, generation.deltas(running))
                finally:
                    generation.cancel()
                    await _finished(running)  # the version is leased, and the turn taken, until the thread has left it
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

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class _Generation:
    """One answer: a thread makes Deltas, the event loop takes them."""

    def __init__(self, backend: Backend, version: int, prompt: Sequence[int], sampling: Sampling) -> None:
        self._backend, self._version, self._prompt, self._sampling = backend, version, prompt, sampling
        self._loop = asyncio.get_running_loop()
        self._made: asyncio.Queue[Delta | None] = asyncio.Queue()
        self._cancelled = threading.Event()

    def run(self) -> None:
        """In the thread."""
        try:
            for delta in self._backend.stream(self._version, self._prompt, self._sampling, self._cancelled.is_set):
                self._hand_over(delta)
        except RuntimeError as error:  # torch's own, out of memory among them
            logger.exception("version %d failed in the middle of an answer", self._version)
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise GenerationFailed(f"generation failed: {reason}; try again, or with fewer tokens") from error
        finally:
            self._hand_over(None)

    async def deltas(self, running: asyncio.Future[None]) -> AsyncIterator[Delta]:
        """In the event loop. What the thread raised is raised here, so that no broken answer looks like a short one."""
        while (made := await self._made.get()) is not None:
            yield made
        await asyncio.shield(running)

    def cancel(self) -> None:
        self._cancelled.set()

    def _hand_over(self, made: Delta | None) -> None:
        with suppress(RuntimeError):  # the loop is closed: the server has stopped and nobody listens
            self._loop.call_soon_threadsafe(self._made.put_nowait, made)


async def _finished(running: asyncio.Future[None]) -> None:
    """Wait for the thread even when this task is cancelled meanwhile: at most one token's time.

    How it ended is `deltas`' to tell; here it is only taken note of, lest asyncio log it as never retrieved.
    """
    cancelled = False
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError:
            cancelled = True
    running.exception()
    if cancelled:
        raise asyncio.CancelledError
