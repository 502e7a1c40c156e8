"""One answer as an ASGI response: in one piece or as server-sent events, stopped when the client goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass
from time import time
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from ccit.errors import CcitError
from ccit.ports.serving import Delta, Sampling
from ccit.serving.edge import STATUS_KEY, VERSION_HEADER, refusal
from ccit.serving.engine import Answer, Engine, Overloaded
from ccit.serving.leases import VersionNotHeld
from ccit.serving.metrics import ServingMetrics
from ccit.serving.protocol import RequestRefused, unknown_model
from ccit.serving.replies import DONE, Endpoint, Reply, event


@dataclass(frozen=True)
class Order:
    """A validated request, ready to generate."""

    endpoint: Endpoint
    prompt: list[int]
    sampling: Sampling
    version: int | None
    stream: bool
    include_usage: bool


class Answering(Response):
    """Generates while it is sent, so that whatever ends the sending ends the generation and gives its slot back."""

    def __init__(self, engine: Engine, metrics: ServingMetrics, order: Order) -> None:
        super().__init__()
        self._engine, self._metrics, self._order = engine, metrics, order

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; a client that leaves cancels it."""
        await _until_disconnected(receive, self._answer(scope, receive, send))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        order = self._order
        try:
            async with self._engine.answer(order.prompt, order.sampling, order.version) as answer:
                reply = Reply.begin(order.endpoint, self._engine.slots.alias, answer.version, int(time()))
                if order.stream:
                    await self._send_events(scope, send, answer, reply)
                else:
                    await (await self._whole(answer, reply))(scope, receive, send)
        except Overloaded as error:
            refused = RequestRefused(503, str(error), code="overloaded", kind="server_error")
            await refusal(refused)(scope, receive, send)
        except VersionNotHeld as error:
            await refusal(unknown_model(str(error)))(scope, receive, send)

    async def _whole(self, answer: Answer, reply: Reply) -> Response:
        texts: list[str] = []
        last: Delta | None = None
        try:
            async for last in answer.deltas:
                texts.append(last.text)
        except CcitError as error:
            response = refusal(_failed(error))
            response.headers[VERSION_HEADER] = str(answer.version)
            return response
        tokens = last.tokens if last else 0
        self._metrics.used(answer.version, len(self._order.prompt), tokens)
        body = reply.whole("".join(texts), (last and last.finish) or "stop", len(self._order.prompt), tokens)
        return JSONResponse(body, headers={VERSION_HEADER: str(answer.version)})

    async def _send_events(self, scope: Scope, send: Send, answer: Answer, reply: Reply) -> None:
        headers = {
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-cache",
            "x-accel-buffering": "no",  # nginx would otherwise collect the stream before passing it on
            VERSION_HEADER: str(answer.version),
        }
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        try:
            async with aclosing(self._events(answer, reply)) as events:
                async for part in events:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
        except CcitError as error:  # too late for a status: the client gets the envelope as the last event
            scope[STATUS_KEY] = 500
            await send({"type": "http.response.body", "body": event(_failed(error).body), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _events(self, answer: Answer, reply: Reply) -> AsyncGenerator[bytes, None]:
        tokens = 0
        try:
            if reply.endpoint == "chat":
                yield event(reply.chunk("", first=True))
            async for delta in answer.deltas:
                tokens = delta.tokens
                if delta.text:
                    yield event(reply.chunk(delta.text))
                if delta.finish:
                    yield event(reply.chunk("", delta.finish))
        finally:  # an answer broken off has cost its tokens too
            self._metrics.used(answer.version, len(self._order.prompt), tokens)
        if self._order.include_usage:
            yield event(reply.usage_chunk(len(self._order.prompt), tokens))
        yield DONE


def _failed(error: CcitError) -> RequestRefused:
    return RequestRefused(500, str(error), kind="server_error")


async def _until_disconnected(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Run `work`, cancelling it when the client leaves."""
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
        if not working.done():
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
    if not working.cancelled():
        working.result()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
