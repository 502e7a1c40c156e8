from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

import httpx
import openai
import pytest

from ccit.errors import ModelUnusable
from ccit.models.causal import CausalModel
from ccit.ports.serving import Delta, Sampling
from ccit.serving.engine import Asked, Engine
from ccit.serving.generation import Generation
from ccit.serving.leases import VersionNotHeld
from ccit.serving.line import Overloaded
from ccit.serving.slots import Slots
from tests.unit.serving.held import slots_over

if TYPE_CHECKING:
    from tests.unit.serving.conftest import Serve

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
GREEDY = Sampling(20, temperature=0)


def leases(engine: Engine) -> int:
    return engine.slots.in_use


async def texts(engine: Engine, sampling: Sampling = GREEDY) -> str:
    async with engine.answer(Asked([1, 2, 3], [sampling])) as answer:
        return "".join([delta.text async for _, delta in answer.deltas])


def test_answers_side_by_side_are_those_one_by_one(base: CausalModel) -> None:
    async def both() -> tuple[list[str], list[str]]:
        engine = Engine(slots_over(base), concurrency=3)
        samplings = [Sampling(20, temperature=1.1, seed=seed) for seed in range(9)]
        alone = [await texts(engine, sampling) for sampling in samplings]
        together = await asyncio.gather(*(texts(engine, sampling) for sampling in samplings))
        return alone, list(together)

    alone, together = asyncio.run(both())
    assert alone == together
    assert len(set(alone)) > 1


class Counting:
    """A backend without a model: `tokens` pieces for each answer, and how many answers were under way at once."""

    def __init__(self, tokens: int) -> None:
        self._tokens, self.now, self.most = tokens, 0, 0

    def unload(self, version: int) -> None:
        pass

    async def stream(self, version: int, prompt: Any, sampling: Sampling) -> AsyncGenerator[Delta]:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            for count in range(self._tokens):
                await asyncio.sleep(0)
                yield Delta("x", count + 1, "length" if count + 1 == self._tokens else None)
        finally:
            self.now -= 1


def counted(tokens: int, **limits: Any) -> tuple[Engine, Counting]:
    backend: Any = Counting(tokens)
    return Engine(Slots(backend, "ccit"), **limits), backend


def test_no_more_than_the_limit_generate_at_once() -> None:
    async def many() -> int:
        engine, backend = counted(5, concurrency=2)
        assert set(await asyncio.gather(*(texts(engine) for _ in range(8)))) == {"xxxxx"}
        return backend.most

    assert asyncio.run(many()) == 2


def test_who_does_not_read_holds_no_turn() -> None:
    async def slow() -> str:
        engine, _ = counted(5, concurrency=1)
        async with engine.answer(Asked([1], [GREEDY])) as answer:
            await anext(answer.deltas)
            return await asyncio.wait_for(texts(engine), 5)

    assert asyncio.run(slow()) == "xxxxx"


def test_the_choices_of_a_request_share_a_turn_and_come_side_by_side() -> None:
    async def choices() -> list[int]:
        engine, backend = counted(3, concurrency=1)
        async with engine.answer(Asked([1], [GREEDY] * 3)) as answer:
            order = [choice async for choice, _ in answer.deltas]
        assert backend.most == 3
        assert await texts(engine) == "xxx"
        return order

    assert asyncio.run(choices()) == [0, 1, 2] * 3


def test_whoever_leaves_the_line_or_the_answer_takes_nothing_along(base: CausalModel) -> None:
    async def leave() -> None:
        engine = Engine(slots_over(base), concurrency=1, queue=1)
        endless = Sampling(1000, temperature=0)
        first = asyncio.create_task(texts(engine, endless))
        await asyncio.sleep(0.02)
        waiting = asyncio.create_task(texts(engine))
        await asyncio.sleep(0.02)
        assert engine.waiting == 1
        with pytest.raises(Overloaded):
            await texts(engine)
        waiting.cancel()
        first.cancel()
        await asyncio.wait([first, waiting])
        assert first.cancelled()
        assert waiting.cancelled()
        assert (engine.waiting, leases(engine)) == (0, 0)
        assert await texts(engine)
        with pytest.raises(VersionNotHeld):
            async with engine.answer(Asked([1], [GREEDY], version=9)):
                pass
        assert await texts(engine)

    asyncio.run(leave())


@pytest.mark.parametrize("error", [ModelUnusable("not finite"), RuntimeError("out of memory")])
def test_an_answer_that_fails_halfway_is_never_passed_for_a_whole_one(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    real = Generation.step

    def half(generation: Generation, logits: Any, finite: bool) -> tuple[int, Delta]:
        token, delta = real(generation, logits, finite)
        if delta.tokens > 1:
            raise error
        return token, delta

    with serve() as running:
        client = running.client()
        with monkeypatch.context() as patch:
            patch.setattr(Generation, "step", half)
            with pytest.raises(openai.InternalServerError, match=str(error)):
                client.chat.completions.create(model="ccit", messages=HELLO)
            stream = client.chat.completions.create(model="ccit", messages=HELLO, stream=True)
            with pytest.raises(openai.APIError, match=str(error)):
                list(stream)
            metrics = httpx.get(f"{running.server.url}/metrics").text
        assert 'ccit_requests_total{status="500",version="0"} 2.0' in metrics
        assert leases(running.engine) == 0
        assert client.chat.completions.create(model="ccit", messages=HELLO, max_tokens=2).choices
