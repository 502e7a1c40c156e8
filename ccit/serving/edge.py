"""What happens to every request, whatever its path: the token, the version header, the counting."""

from __future__ import annotations

import hmac
from time import perf_counter

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ccit.serving.metrics import ServingMetrics
from ccit.serving.refusals import RequestRefused
from ccit.serving.slots import Slots

VERSION_HEADER = "x-ccit-version"
STATUS_KEY = "ccit.status"  # in the ASGI scope: how a request ended, where the HTTP status cannot tell any more
CLIENT_GONE = 499  # nginx's number for a client that closed the connection before its answer was complete


class Edge:
    """ASGI middleware. Paths under `/v1/` want the bearer token, where one is configured, and are counted."""

    def __init__(self, app: ASGIApp, slots: Slots, metrics: ServingMetrics, token: str) -> None:
        self._app, self._slots, self._metrics, self._token = app, slots, metrics, token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, version, complete = perf_counter(), CLIENT_GONE, self._slots.active, False

        async def send_named(message: Message) -> None:
            nonlocal status, version, complete
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault(VERSION_HEADER, str(version))
                status, version = message["status"], int(headers[VERSION_HEADER])
            await send(message)
            complete = complete or (message["type"] == "http.response.body" and not message.get("more_body"))

        counted = scope["path"].startswith("/v1/")
        app = self._app if not counted or self._allowed(Headers(scope=scope)) else _UNAUTHORIZED
        try:
            await app(scope, receive, send_named)
        finally:
            if counted:
                ended = scope.get(STATUS_KEY, status) if complete else CLIENT_GONE
                self._metrics.finished(version, ended, perf_counter() - began)

    def _allowed(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        right = hmac.compare_digest(token.strip().encode(), self._token)
        return not self._token or (scheme.lower() == "bearer" and right)


def refusal(error: RequestRefused) -> JSONResponse:
    """OpenAI's error envelope; a busy server says when to come back."""
    headers = {401: {"www-authenticate": "Bearer"}, 503: {"retry-after": "1"}}.get(error.status)
    return JSONResponse(error.body, error.status, headers)


_UNAUTHORIZED = refusal(
    RequestRefused(
        401, "send the token that this server was started with as 'Authorization: Bearer ...'", code="invalid_api_key"
    )
)
