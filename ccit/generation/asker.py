"""Kept answers first, then a seat and tokens of the budget, then the endpoint; what it says is kept at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol
from weakref import WeakValueDictionary

from ccit.generation.answers import Answers
from ccit.generation.asking import Answer, Request, Unanswered
from ccit.generation.budget import TokenBudget

_LOOK_S = 1.0  # between two looks at a budget that only answers in flight can free


class Asks(Protocol):
    """An endpoint, or what stands in for it."""

    async def ask(self, request: Request) -> Answer:
        """The answer; raises `Unanswered` or `EndpointUnavailable`."""


class Asker:
    """Gives the answer to a request, and asks for none twice: not one that is kept, nor one that is being asked.

    Parameters
    ----------
    seats : int
        Requests at a time.
    pause : callable
        Waits for seconds; it raises when the process is to end, so that nothing new is asked then.
    clock : callable
        Seconds since 1970.
    """

    def __init__(
        self,
        endpoint: Asks,
        answers: Answers,
        budget: TokenBudget,
        seats: int,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._endpoint = endpoint
        self._answers = answers
        self._budget = budget
        self._seats = asyncio.Semaphore(seats)
        self._pause = pause
        self._clock = clock
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.asked = 0
        self.found_kept = 0
        self.tokens = 0

    async def __call__(self, request: Request) -> Answer:
        """The answer; raises what the endpoint raises."""
        lock = self._asking.setdefault(request.digest, asyncio.Lock())
        async with lock:
            return self._kept(request) or await self._new(request)

    def _kept(self, request: Request) -> Answer | None:
        answer = self._answers.kept(request.digest)
        self.found_kept += answer is not None
        return answer

    async def _new(self, request: Request) -> Answer:
        async with self._seats:
            aside, took = request.most_tokens, 0
            await self._pause(0)
            while (wait := self._budget.wait_s(aside, self._clock())) > 0:
                await self._pause(min(wait, _LOOK_S))
            self._budget.set_aside(aside)
            try:
                answer = await self._endpoint.ask(request)
                # an endpoint that does not count is taken at the most it may be
                took = (answer.tokens or aside) + answer.lost
            except Unanswered as none:
                took = none.lost
                raise
            finally:
                self._budget.settle(aside, took, self._clock())
        self._answers.keep(request.digest, answer, took)
        self.asked += 1
        self.tokens += answer.tokens
        return answer
