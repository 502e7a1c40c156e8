"""One thread owns the model: it takes requests in and lets them go between the steps of one batch.

Whoever asks never touches a tensor: requests, cancellations and the copying of a version's weights come in through one
line and are dealt with in order, so a version whose last request is cancelled is let go after that request, never
before. Requests begin in the order in which they came; one that does not fit into the memory holds back those behind
it, so none waits for ever. A step that the device refuses is run again row by row, and only the rows that fail alone
are ended. Whatever goes wrong over one request ends that one: what libraries raise over a token, a schema or a prompt
is not known beforehand. Nothing of a text is logged.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import TypeVar

import torch

from ccit.errors import CcitError
from ccit.models.decoding import Batch, Pass, Row, likeliest
from ccit.ports.serving import Delta
from ccit.serving.generation import Generation

logger = logging.getLogger("ccit.serving")

T = TypeVar("T")

_IDLE_S = 5.0  # after so long without work the thread ends; the next request starts another


class GenerationFailed(CcitError):
    """The device gave up in the middle of an answer (out of memory, mostly); other answers go on."""


Made = Delta | CcitError


@dataclass(eq=False, slots=True)
class Ticket:
    """One request.

    Parameters
    ----------
    generation : Generation
        Makes its tokens.
    prompt : Sequence[int]
        Token ids.
    length : int
        Positions that it needs at most.
    slot, root
        As in `Batch.join`.
    told : Callable[[Made], None]
        Gets each Delta; what ended the answer before its time comes last, as an error.
    left : Callable[[], None]
        Called in the loop's thread when the request has left the batch, however it ended.
    on : asyncio.AbstractEventLoop | None
        Where `told` is called; None is the loop's own thread.
    first : bool
        Goes before all that wait.
    """

    generation: Generation
    prompt: Sequence[int]
    length: int
    slot: int | None
    root: Hashable
    told: Callable[[Made], None]
    left: Callable[[], None]
    on: asyncio.AbstractEventLoop | None = None
    first: bool = False


class DecodeLoop:
    """Runs a batch in a thread of its own. Every public method may be called from any thread.

    Parameters
    ----------
    batch : Batch
        Nobody else touches it.
    """

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._waiting: deque[Ticket] = deque()
        self._tickets: dict[Row, Ticket] = {}
        self._works: deque[tuple[Iterator[None], Future[None]]] = deque()
        self._told: dict[asyncio.AbstractEventLoop | None, list[Callable[[], None]]] = {}
        self._step_seconds = 0.0

    def submit(self, ticket: Ticket) -> None:
        """Take a request in."""
        self._post(partial(self._arrived, ticket))

    def cancel(self, ticket: Ticket) -> None:
        """Let a request go before the next step; nothing happens where it has ended."""
        self._post(partial(self._cancelled, ticket))

    def work(self, parts: Iterator[None]) -> Future[None]:
        """Do something in the loop's thread between steps, part by part.

        While answers are under way, a pause between two steps lasts no longer than half a step, or one part.
        """
        done: Future[None] = Future()
        self._post(lambda: self._works.append((parts, done)))
        return done

    def _post(self, message: Callable[[], None]) -> None:
        with self._lock:
            self._inbox.put(message)
            if self._thread is None:
                self._begin()

    def _begin(self) -> None:
        self._thread = threading.Thread(target=self._run, name="decode", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        sound = False
        try:
            while self._take_in():
                self._work()
                self._admit()
                began = time.perf_counter()
                for step in self._batch.passes():
                    self._step(step)
                self._step_seconds = time.perf_counter() - began
                self._deliver()
            sound = True
        finally:
            if not sound:  # a fault of this file; no request waits for ever, and a fresh thread goes on
                self._give_up()

    def _take_in(self) -> bool:
        """Hear what has come; without anything to do wait for it. False ends the thread."""
        busy = bool(self._tickets or self._waiting or self._works)
        try:
            if not busy:
                self._inbox.get(timeout=_IDLE_S)()
            while True:
                self._inbox.get_nowait()()
        except Empty:
            pass
        if busy or self._tickets or self._waiting or self._works:
            return True
        with self._lock:
            if self._inbox.empty():
                self._thread = None
                return False
        return True

    def _arrived(self, ticket: Ticket) -> None:
        if ticket.first:
            self._waiting.appendleft(ticket)
        else:
            self._waiting.append(ticket)

    def _cancelled(self, ticket: Ticket) -> None:
        if ticket in self._waiting:
            self._waiting.remove(ticket)
            ticket.left()
        for row in [row for row, found in self._tickets.items() if found is ticket]:
            self._leave(row)

    def _work(self) -> None:
        until = time.perf_counter() + self._step_seconds / 2 if self._tickets else float("inf")
        while self._works:
            parts, done = self._works[0]
            try:
                next(parts)
            except StopIteration:
                self._works.popleft()
                done.set_result(None)
            except BaseException as error:  # noqa: BLE001 - handed to the thread that waits, which raises it
                self._works.popleft()
                done.set_exception(error)
            if time.perf_counter() > until:
                return

    def _admit(self) -> None:
        while self._waiting:
            ticket = self._waiting[0]
            row = _tried(partial(self._batch.join, ticket.prompt, ticket.length, ticket.slot, ticket.root))
            if isinstance(row, Row):
                self._tickets[row] = ticket
            elif isinstance(row, CcitError):
                self._end(ticket, row)
            elif self._tickets:
                return  # until somebody leaves
            else:
                self._end(ticket, GenerationFailed(f"{ticket.length} positions are more than the memory ever holds"))
            self._waiting.popleft()

    def _step(self, step: Pass) -> None:
        ran = _tried(partial(self._batch.run, step))
        if isinstance(ran, CcitError):
            if len(step.rows) == 1:
                self._leave(step.rows[0], ran)
                return
            for alone in step.alone():
                self._step(alone)
            return
        rows, logits_NV = ran
        with torch.inference_mode():
            for row, logits_V, best in zip(rows, logits_NV, likeliest(logits_NV) if rows else (), strict=True):
                self._draw(row, logits_V, best)

    def _draw(self, row: Row, logits_V: torch.Tensor, best: int | None) -> None:
        ticket = self._tickets[row]
        made = _tried(partial(ticket.generation.step, logits_V, best))
        if isinstance(made, CcitError):
            self._leave(row, made)
            return
        token, delta = made
        self._tell(ticket, delta)
        if delta.finish:
            self._leave(row)
        else:
            row.append(token)

    def _leave(self, row: Row, error: CcitError | None = None) -> None:
        self._batch.leave(row)
        self._end(self._tickets.pop(row), error)

    def _end(self, ticket: Ticket, error: CcitError | None = None) -> None:
        if error is not None:
            self._tell(ticket, error)
        ticket.left()

    def _tell(self, ticket: Ticket, made: Made) -> None:
        self._told.setdefault(ticket.on, []).append(partial(ticket.told, made))

    def _deliver(self) -> None:
        """One call for each event loop, whatever the number of answers: a call wakes it up."""
        told, self._told = self._told, {}
        for on, calls in told.items():
            if on is None:
                _call_all(calls)
            else:
                with suppress(RuntimeError):  # the event loop is closed: the server has stopped and nobody listens
                    on.call_soon_threadsafe(_call_all, calls)

    def _give_up(self) -> None:
        fault = GenerationFailed("the decode loop has failed; see the log")
        for row in list(self._tickets):
            self._leave(row, fault)
        while self._waiting:
            self._end(self._waiting.popleft(), fault)
        self._deliver()
        with self._lock:
            self._thread = None
            if self._works or not self._inbox.empty():  # slots to give back, or somebody who asked meanwhile
                self._begin()


def _tried(attempt: Callable[[], T]) -> T | CcitError:
    """What it gives, or what to tell the one who asked for it. Only torch's words are passed on: others' may quote."""
    try:
        return attempt()
    except CcitError as error:
        return error
    except BaseException as error:  # noqa: BLE001 - handed to the one who asked, whose request it ends
        reason = type(error).__name__
        if isinstance(error, RuntimeError):  # torch's own, out of memory among them
            reason = str(error).partition("\n")[0] or reason
        logger.error(  # noqa: TRY400 - the error's text stays out of the log
            "the decode loop goes on after %s\n%s", reason, "".join(traceback.format_tb(error.__traceback__))
        )
        return GenerationFailed(f"generation failed: {reason}; try again, or with fewer tokens")


def _call_all(calls: Sequence[Callable[[], None]]) -> None:
    for call in calls:
        call()
