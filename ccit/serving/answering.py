"""One answer as an ASGI response: in one piece or as server-sent events, stopped when the client goes away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from time import time
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from ccit.config import Serving
from ccit.errors import CcitError
from ccit.ports.serving import Delta
from ccit.serving.edge import STATUS_KEY, VERSION_HEADER, refusal
from ccit.serving.engine import AnswerStream, Asked, Engine
from ccit.serving.leases import VersionNotHeld
from ccit.serving.line import Overloaded
from ccit.serving.metrics import RequestTimes, ServingMetrics
from ccit.serving.protocol import unknown_model
from ccit.serving.refusals import RequestRefused
from ccit.serving.replies import DONE, Choice, Endpoint, ReplyHead, event

logger = logging.getLogger("ccit.serving")


class AnswerTooSlow(CcitError):
    """The answer took longer than `serving.answer_seconds`."""


@dataclass(frozen=True)
class Order:
    """A validated request, ready to generate."""

    endpoint: Endpoint
    asked: Asked
    stream: bool
    include_usage: bool
    times: RequestTimes | None = None


class Answering(Response):
    """Generates while it is sent, so that whatever ends the sending ends the generation and gives its slot back."""

    def __init__(self, engine: Engine, metrics: ServingMetrics, order: Order, limits: Serving) -> None:
        super().__init__()
        self._engine, self._metrics, self._order, self._limits = engine, metrics, order, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; a client that leaves, or takes nothing for too long, cancels it."""

        async def taken(message: Message) -> None:
            async with asyncio.timeout(self._limits.client_seconds):
                await send(message)

        try:
            await _until_disconnected(receive, self._answer(scope, receive, taken))
        except TimeoutError:  # what is missing of the answer makes the server close the connection
            logger.info("a client took nothing for %g s", self._limits.client_seconds)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        order = self._order
        try:
            async with self._engine.answer(order.asked, order.times) as answer:
                begun = ReplyHead.begin(order.endpoint, self._engine.slots.alias, answer.version, int(time()))
                reply = replace(begun, counted=order.include_usage)
                if order.stream:
                    await self._send_events(scope, send, answer, reply)
                else:
                    await (await self._whole(answer, reply))(scope, receive, send)
        except Overloaded as error:
            await refusal(overloaded(error))(scope, receive, send)
        except VersionNotHeld as error:
            await refusal(unknown_model(str(error)))(scope, receive, send)

    async def _whole(self, answer: AnswerStream, reply: ReplyHead) -> Response:
        choices = [Choice() for _ in self._order.asked.samplings]
        try:
            async for number, delta in self._in_time(answer):
                choices[number].add(delta)
        except CcitError as error:
            response = refusal(_failed(error))
            response.headers[VERSION_HEADER] = str(answer.version)
            return response
        finally:
            self._count(answer, choices)
        body = reply.whole(choices, len(self._order.asked.prompt))
        return JSONResponse(body, headers={VERSION_HEADER: str(answer.version)})

    def _count(self, answer: AnswerStream, choices: Sequence[Choice]) -> None:
        """An answer broken off has cost its tokens too."""
        self._metrics.used(answer.version, len(self._order.asked.prompt), sum(choice.tokens for choice in choices))

    async def _send_events(self, scope: Scope, send: Send, answer: AnswerStream, reply: ReplyHead) -> None:
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
            failed = _failed(error)
            scope[STATUS_KEY] = failed.status
            await send({"type": "http.response.body", "body": event(failed.body), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _in_time(self, answer: AnswerStream) -> AsyncGenerator[tuple[int, Delta]]:
        until = asyncio.get_running_loop().time() + self._limits.answer_seconds
        while True:
            try:
                async with asyncio.timeout_at(until):
                    piece = await anext(answer.deltas)
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                what = f"the answer took longer than {self._limits.answer_seconds:g} s; ask for fewer tokens"
                raise AnswerTooSlow(what) from error
            yield piece

    async def _events(self, answer: AnswerStream, reply: ReplyHead) -> AsyncGenerator[bytes, None]:
        choices = [Choice() for _ in self._order.asked.samplings]
        try:
            if reply.endpoint == "chat":
                for number in range(len(choices)):
                    yield event(reply.first_chunk(number))
            async for number, delta in self._in_time(answer):
                offset = len(choices[number].text)
                choices[number].add(delta)
                if delta.text or delta.drawn:
                    yield event(reply.chunk(number, replace(delta, finish=None), offset))
                if delta.finish:
                    yield event(reply.chunk(number, Delta("", delta.tokens, delta.finish)))
        finally:
            self._count(answer, choices)
        if reply.counted:
            tokens = sum(choice.tokens for choice in choices)
            yield event(reply.usage_chunk(len(self._order.asked.prompt), tokens))
        yield DONE


def overloaded(error: Overloaded) -> RequestRefused:
    """What a client is told that found no turn."""
    return RequestRefused(503, str(error), code="overloaded", kind="server_error", retry_after=1)


def _failed(error: CcitError) -> RequestRefused:
    if isinstance(error, AnswerTooSlow):
        return RequestRefused(504, str(error), code="timeout", kind="server_error")
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
