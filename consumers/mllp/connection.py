"""One sender: reads what he sends, has it stored, and answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from ccit.config import Mllp
from ccit.ingest.mllp.answers import Outcome
from ccit.ingest.mllp.conversation import Conversation
from ccit.ingest.mllp.reception import Received

Publish = Callable[[Received, Callable[[Outcome], None]], Awaitable[None]]

_PIECE_BYTES = 64 * 1024
LAST_WORDS_S = 25.0
"""How long a connection that ends waits for what is on its way (seconds): the producer gives up after 20."""
_UNAVAILABLE = "the message could not be stored; send it again later"


class Connection:
    """Talks with one sender until he leaves, sends too slowly, or the listener is stopped.

    Parameters
    ----------
    publish : callable
        As `Publisher.publish`.
    clock : callable
        Seconds since 1970, for the answers.
    """

    def __init__(
        self,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        talk: Conversation,
        publish: Publish,
        settings: Mllp,
        clock: Callable[[], float],
    ) -> None:
        self._reader, self._writer = streams
        self._talk = talk
        self._publish = publish
        self._settings = settings
        self._clock = clock
        self._settled = asyncio.Event()
        self._on_their_way = 0  # messages handed over, and not settled
        self._waiting: asyncio.Timeout | None = None
        self._begun_at: float | None = None  # when the frame that has not ended began
        self._leaving = False

    def leave(self) -> None:
        """Take nothing more from this sender; what is on its way is still answered."""
        self._leaving = True
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(0.0)

    async def run(self) -> None:
        """Talk. Raises `OSError` when the connection breaks; what was not answered was not acknowledged."""
        try:
            while not self._leaving and await self._hear():
                pass
            async with asyncio.timeout(LAST_WORDS_S):
                await self._room(1)
            await self._speak()
            self._writer.close()
            async with asyncio.timeout(self._settings.frame_seconds):
                await self._writer.wait_closed()
        finally:
            self._writer.transport.abort()  # answers that nobody reads would keep the socket for ever

    async def _hear(self) -> bool:
        """One piece; False when nothing more will come."""
        await self._room_to_hear()
        piece = None if self._leaving else await self._piece()
        if piece is None and not self._leaving:
            self._talk.give_up()
        if not piece:
            await self._speak()
            return False
        begun = self._talk.begun
        for number, message in self._talk.hear(piece):
            await self._room(self._settings.in_flight)
            self._on_their_way += 1
            await self._publish(message, partial(self._settle, number))
        if not self._talk.unfinished:
            self._begun_at = None
        elif self._begun_at is None or self._talk.begun > begun:
            self._begun_at = asyncio.get_running_loop().time()
        await self._speak()
        return True

    async def _piece(self) -> bytes | None:
        """What came; empty at the end, None when a frame took too long or the listener is stopped."""
        until = None if self._begun_at is None else self._begun_at + self._settings.frame_seconds
        try:
            async with asyncio.timeout_at(until) as self._waiting:
                return await self._reader.read(_PIECE_BYTES)
        except TimeoutError:
            return None
        finally:
            self._waiting = None

    def _settle(self, number: int, outcome: Outcome) -> None:
        """Called in the event loop with the fate of a message; writes what may be said now."""
        self._on_their_way -= 1
        self._talk.settle(number, outcome, "" if outcome == "stored" else _UNAVAILABLE)
        self._write()
        self._settled.set()

    async def _room(self, most: int) -> None:
        """Return once fewer than `most` messages are on their way."""
        while self._on_their_way >= most:
            await self._settling()

    async def _room_to_hear(self) -> None:
        """Return once fewer messages wait for an answer than may: refused ones wait too, for those before them.

        Meanwhile nothing is read, so the time is not counted against the frame that has begun.
        """
        clock = asyncio.get_running_loop().time
        while self._on_their_way and self._talk.waiting >= self._settings.in_flight:
            began = clock()
            await self._settling()
            if self._begun_at is not None:
                self._begun_at += clock() - began

    async def _settling(self) -> None:
        self._settled.clear()
        await self._settled.wait()

    async def _speak(self) -> None:
        """Write what may be said, and wait until the sender takes it: one who reads no answers is read no more."""
        self._write()
        async with asyncio.timeout(self._settings.frame_seconds):
            await self._writer.drain()

    def _write(self) -> None:
        answers = self._talk.answers(self._clock())
        if answers and not self._writer.is_closing():
            self._writer.write(answers)
