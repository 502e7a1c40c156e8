from __future__ import annotations

import asyncio

import pytest

from ccit.serving.line import Line, Overloaded


def test_the_line_is_bounded_and_so_is_the_wait() -> None:
    async def crowd() -> None:
        line = Line(1, 1, 0.01)
        await line.take("a")
        waiting = asyncio.create_task(line.take("a"))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="1 requests are waiting"):
            await line.take("b")
        with pytest.raises(Overloaded, match=r"within 0\.01 seconds"):
            await waiting
        assert line.waiting == 0
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
