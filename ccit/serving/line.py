"""Who generates next: a bounded line in which clients take turns, and in which none takes the others' places."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque

from ccit.errors import CcitError


class Overloaded(CcitError):
    """The line of waiting requests is full, or did not move for too long."""


class Line:
    """So many turns at a time; who waits is served round robin by client, and in order of arrival within one client.

    Once the line is full, a request of a client that has fewer in it takes the place of the newest request of the one
    that has most, until they differ by one at most (max-min fairness). It belongs to one event loop.

    Parameters
    ----------
    turns : int
        Given out at the same time.
    places : int
        Requests that may wait.
    timeout : float
        Seconds that a request may wait.

    Example
    -------
    >>> async def order():
    ...     line, served = Line(1, 9, 60), []
    ...     async def one(client):
    ...         await line.take(client)
    ...         served.append(client)
    ...         line.give_back()
    ...     await line.take("first")
    ...     waiting = [asyncio.create_task(one(client)) for client in ("many", "many", "many", "few")]
    ...     await asyncio.sleep(0)
    ...     line.give_back()
    ...     await asyncio.gather(*waiting)
    ...     return served
    >>> asyncio.run(order())
    ['many', 'few', 'many', 'many']
    """

    def __init__(self, turns: int, places: int, timeout: float) -> None:
        self._free, self._places, self._timeout = turns, places, timeout
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()  # client to be served next first
        self.waiting = 0

    def require_place(self, client: str) -> None:
        """Raise `Overloaded` where `take` would do so at once: asked before any work is put into a request."""
        if not self._free and self.waiting >= self._places:
            self._fullest(client)

    async def take(self, client: str) -> None:
        """Wait for a turn; it lasts until `give_back`.

        Raises
        ------
        Overloaded
            Too many wait already, this request's place went to a client that has fewer in the line, or the wait took
            too long.
        """
        if self._free:
            self._free -= 1
            return
        if self.waiting >= self._places:
            self._make_room(client)
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(turn)
        self.waiting += 1
        try:
            async with asyncio.timeout(self._timeout):
                await turn
        except (asyncio.CancelledError, TimeoutError) as error:
            self._give_up(client, turn)
            if isinstance(error, asyncio.CancelledError):
                raise
            raise Overloaded(f"no turn came within {self._timeout:g} seconds; try again in a moment") from error
        finally:
            self.waiting -= 1

    def give_back(self) -> None:
        """The turn goes to the next in line who has not left."""
        while self._waiting:
            client, turns = self._waiting.popitem(last=False)
            turn = turns.popleft()
            if turns:
                self._waiting[client] = turns  # behind all other clients
            if not turn.done():  # one who leaves is in the line until his task runs again
                turn.set_result(None)
                return
        self._free += 1

    def _make_room(self, client: str) -> None:
        turns = self._waiting[self._fullest(client)]
        turn = next(turn for turn in reversed(turns) if not turn.done())
        turns.remove(turn)
        turn.set_exception(self._full())

    def _fullest(self, client: str) -> str:
        """Whose newest request makes room for one of `client`; raises `Overloaded` where nobody's has to."""
        waiting = {name: sum(not turn.done() for turn in turns) for name, turns in self._waiting.items()}
        most = max(waiting, key=lambda name: waiting[name], default=client)
        if waiting.get(client, 0) + 1 >= waiting.get(most, 0):
            raise self._full()
        return most

    def _full(self) -> Overloaded:
        return Overloaded(f"{self._places} requests are waiting already; try again in a moment")

    def _give_up(self, client: str, turn: asyncio.Future[None]) -> None:
        if turn.done() and not turn.cancelled():
            if turn.exception() is None:  # the turn came at the same moment
                self.give_back()
            return
        turns = self._waiting.get(client)
        if turns is None or turn not in turns:  # passed over by `give_back` already
            return
        turns.remove(turn)
        if not turns:
            del self._waiting[client]
