from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.serving.line import Line, Overloaded


def test_the_line_is_bounded_and_so_is_the_wait() -> None:
    async def crowd() -> None:
        line = Line(1, 1, 0.01)
        await line.take("a")
        waiting = asyncio.create_task(line.take("a"))
        await asyncio.sleep(0)
        for client in "ab":
            with pytest.raises(Overloaded, match="1 requests are waiting"):
                line.require_place(client)
        with pytest.raises(Overloaded, match="1 requests are waiting"):
            await line.take("b")
        with pytest.raises(Overloaded, match=r"within 0\.01 seconds"):
            await waiting
        assert line.waiting == 0
        line.require_place("b")
        line.give_back()
        await line.take("b")

    asyncio.run(crowd())


def test_a_turn_that_comes_while_its_owner_leaves_goes_to_the_next() -> None:
    async def leave() -> None:
        line = Line(1, 9, 60)
        await line.take("a")
        leaving, staying = (asyncio.create_task(line.take(client)) for client in "ab")
        await asyncio.sleep(0)
        line.give_back()
        leaving.cancel()
        await asyncio.wait_for(staying, 5)
        assert leaving.cancelled() or leaving.exception() is None
        assert line.waiting == 0

    asyncio.run(leave())


def test_who_leaves_the_line_leaves_no_trace() -> None:
    async def leave() -> None:
        line = Line(1, 9, 60)
        await line.take("a")
        leaving = asyncio.create_task(line.take("b"))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
        line.give_back()
        await asyncio.wait_for(line.take("c"), 5)

    asyncio.run(leave())


def test_a_turn_that_ends_while_the_next_in_line_leaves_is_not_lost() -> None:
    async def leave() -> None:
        line = Line(1, 9, 60)
        await line.take("a")
        leaving, staying = (asyncio.create_task(line.take("a")) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        line.give_back()  # before the one who leaves has run again
        await asyncio.wait_for(staying, 5)
        await asyncio.wait([leaving])
        line.give_back()
        await asyncio.wait_for(line.take("c"), 5)
        assert line.waiting == 0

    asyncio.run(leave())


def test_a_client_with_fewer_in_a_full_line_takes_the_newest_place_of_the_one_with_most() -> None:
    async def crowd() -> None:
        line = Line(1, 3, 60)
        await line.take("busy")
        first, second, newest = (asyncio.create_task(line.take("busy")) for _ in range(3))
        await asyncio.sleep(0)
        line.require_place("few")
        few = asyncio.create_task(line.take("few"))
        with pytest.raises(Overloaded, match="3 requests are waiting"):
            await newest
        for refused in ("few", "busy"):
            with pytest.raises(Overloaded):
                await line.take(refused)
        for served in (first, few, second):
            line.give_back()
            await asyncio.wait_for(served, 5)
        assert line.waiting == 0

    asyncio.run(crowd())


def test_who_leaves_as_its_place_is_taken_gives_no_turn_back() -> None:
    async def leave() -> None:
        line = Line(1, 2, 60)
        await line.take("busy")
        staying, leaving = (asyncio.create_task(line.take("busy")) for _ in range(2))
        await asyncio.sleep(0)
        few = asyncio.create_task(line.take("few"))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
        assert not staying.done()
        assert not few.done()
        assert line.waiting == 2
        few.cancel()
        staying.cancel()
        await asyncio.wait([few, staying])

    asyncio.run(leave())


@settings(max_examples=100, deadline=None)
@given(clients=st.lists(st.sampled_from("abcd"), max_size=30), places=st.integers(0, 9))
def test_however_clients_come_a_full_line_is_shared_evenly(clients: list[str], places: int) -> None:
    async def crowd() -> Counter[str]:
        line = Line(1, places, 60)
        await line.take("")
        tasks = [(client, asyncio.create_task(line.take(client))) for client in clients]
        for _ in range(3):
            await asyncio.sleep(0)
        left = Counter(client for client, task in tasks if not task.done())
        assert line.waiting == left.total() == min(places, len(clients))
        for _, task in tasks:
            task.cancel()
        await asyncio.gather(*(task for _, task in tasks), return_exceptions=True)
        return left

    left, came = asyncio.run(crowd()), Counter(clients)
    for client, count in came.items():
        assert left[client] == count or left[client] >= max(left.values(), default=0) - 1
