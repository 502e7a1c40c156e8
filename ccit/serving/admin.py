"""What an operator may do to this replica over HTTP; off unless `serving.admin` names tokens.

    POST /admin/pin       {"version": 3, "expected": 4}    answer with version 3, whatever is announced
    POST /admin/unpin     {"expected": 3}                  follow the announcements again
    POST /admin/rollback  {"version": 3, "expected": 4}    ask the trainer for version 3 on all replicas

`expected` is the version that the operator saw as active; where another one is, nothing changes and the answer is 409.
Each attempt is a line of `serving.admin_log`, on the disk before it is answered.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ccit.config_serving import Serving
from ccit.errors import BrokerUnavailable
from ccit.serving.body import body_of
from ccit.serving.edge import CLIENT_KEY
from ccit.serving.leases import VersionNotHeld
from ccit.serving.protocol import parse
from ccit.serving.refusals import RequestRefused, refuse_unknown
from ccit.serving.steering import Steering, WrongExpectation
from ccit.store.private import open_private


class Wish(BaseModel):
    """What the operator saw."""

    model_config = ConfigDict(extra="ignore", strict=True)

    expected: int = Field(ge=0)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: Any) -> Any:
        if isinstance(values, dict):
            refuse_unknown(values, cls)
        return values


class VersionWish(Wish):
    """And the version that is wanted."""

    version: int = Field(ge=0)


class Admin:
    """The three routes.

    Parameters
    ----------
    settings : Serving
        `admin`, `admin_log` and `client_seconds` are read here.
    """

    def __init__(self, steering: Steering, settings: Serving) -> None:
        self._steering, self._settings = steering, settings

    def routes(self) -> list[Route]:
        """None where admin is off."""
        if not self._settings.admin or self._settings.admin_log is None:
            return []
        return [
            Route("/admin/pin", self.pin, methods=["POST"]),
            Route("/admin/unpin", self.unpin, methods=["POST"]),
            Route("/admin/rollback", self.rollback, methods=["POST"]),
        ]

    async def pin(self, request: Request) -> Response:
        """Answer with one version."""
        wish = parse(VersionWish, await body_of(request, self._settings.client_seconds))
        return await self._done(request, wish, lambda: self._steering.pin(wish.version, wish.expected))

    async def unpin(self, request: Request) -> Response:
        """Follow the announcements again."""
        wish = parse(Wish, await body_of(request, self._settings.client_seconds))
        return await self._done(request, wish, lambda: self._steering.unpin(wish.expected))

    async def rollback(self, request: Request) -> Response:
        """Ask the trainer."""
        wish = parse(VersionWish, await body_of(request, self._settings.client_seconds))
        return await self._done(request, wish, lambda: self._steering.ask_back(wish.version, wish.expected), 202)

    async def _done(self, request: Request, wish: Wish, act: Callable[[], None], status: int = 200) -> Response:
        who = request.scope[CLIENT_KEY]
        line = {"at": datetime.now(UTC).isoformat(), "who": who, "action": request.url.path, **wish.model_dump()}
        refused = await run_in_threadpool(self._attempt, act, who)
        outcome = "done" if refused is None else str(refused)
        await run_in_threadpool(_write, self._settings.admin_log, line | {"outcome": outcome})
        if refused is not None:
            raise refused
        return JSONResponse({"pinned": self._steering.pinned}, status)

    def _attempt(self, act: Callable[[], None], who: str) -> RequestRefused | None:
        if who not in self._settings.admin:
            return RequestRefused(403, f"the token named {who!r} may not steer; serving.admin says which may")
        try:
            act()
        except WrongExpectation as error:
            return RequestRefused(409, str(error), "expected", "wrong_expectation")
        except VersionNotHeld as error:
            return RequestRefused(409, str(error), "version", "version_not_held")
        except BrokerUnavailable as error:
            return RequestRefused(503, str(error), kind="server_error", retry_after=5)
        return None


def _write(path: Path | None, line: dict[str, Any]) -> None:
    if path is not None:
        with open_private(path, "ab") as log:
            log.write(orjson.dumps(line) + b"\n")
            log.flush()
            os.fsync(log.fileno())
