"""What happens to every request, whatever its path: its token, its rate, the version header, the counting."""

from __future__ import annotations

import math
from time import perf_counter

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ccit.serving.metrics import ServingMetrics
from ccit.serving.rates import Rates
from ccit.serving.refusals import RequestRefused
from ccit.serving.slots import Slots
from ccit.serving.tokens import Tokens

VERSION_HEADER = "x-ccit-version"
CLIENT_KEY = "ccit.client"  # in the ASGI scope: the name of the token that a request bears
STATUS_KEY = "ccit.status"  # in the ASGI scope: how a request ended, where the HTTP status cannot tell any more
CLIENT_GONE = 499  # nginx's number for a client that closed the connection before its answer was complete


class Edge:
    """ASGI middleware. Paths under `/v1/` and `/admin/` want a bearer token, where any is set; the former are counted.

    Parameters
    ----------
    rates : Rates
        By the token's name; without tokens all requests together.
    """

    def __init__(self, app: ASGIApp, slots: Slots, metrics: ServingMetrics, tokens: Tokens, rates: Rates) -> None:
        self._app, self._slots, self._metrics = app, slots, metrics
        self._tokens, self._rates = tokens, rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, version, complete = CLIENT_GONE, self._slots.active, False

        async def send_named(message: Message) -> None:
            nonlocal status, version, complete
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault(VERSION_HEADER, str(version))
                status, version = message["status"], int(headers[VERSION_HEADER])
            await send(message)
            complete = complete or (message["type"] == "http.response.body" and not message.get("more_body"))

        counted = scope["path"].startswith("/v1/")
        app = self._admitted(scope) if counted or scope["path"].startswith("/admin/") else self._app
        try:
            await app(scope, receive, send_named)
        finally:
            if counted:
                ended = scope.get(STATUS_KEY, status) if complete else CLIENT_GONE
                self._metrics.finished(version, ended)

    def _admitted(self, scope: Scope) -> ASGIApp:
        scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        client = self._tokens.name(token.strip() if scheme.lower() == "bearer" else "")
        if client is None:
            return _UNAUTHORIZED
        scope[CLIENT_KEY] = client
        wait = self._rates.wait(client, perf_counter())
        return _too_many(wait) if wait else self._app


def refusal(error: RequestRefused) -> JSONResponse:
    """OpenAI's error envelope; a busy server says when to come back."""
    headers = {"www-authenticate": "Bearer"} if error.status == 401 else {}
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    return JSONResponse(error.body, error.status, headers)


def _too_many(wait: float) -> JSONResponse:
    seconds = math.ceil(wait)
    what = f"too many requests with this token; try again in {seconds} s"
    return refusal(RequestRefused(429, what, code="rate_limit_exceeded", kind="requests", retry_after=seconds))


_UNAUTHORIZED = refusal(
    RequestRefused(401, "send a token of this server as 'Authorization: Bearer ...'", code="invalid_api_key")
)
