"""What an operator may do to this replica over HTTP; off unless `serving.admin` names tokens.

    POST /admin/pin       {"version": 3, "expected": 4}    answer with version 3, whatever is announced
    POST /admin/unpin     {"expected": 3}                  follow the announcements again
    POST /admin/rollback  {"version": 3, "expected": 4}    ask the trainer for version 3 on all replicas

`expected` is the version that the operator saw as active, for a roll-back the one announced last; where another one is,
nothing changes and the answer is 409. Each attempt leaves lines in `serving.admin_log`: what is asked is on the disk
before anything is done, what became of it before it is answered, both with the same `attempt`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ccit.config import Serving
from ccit.errors import BrokerUnavailable
from ccit.serving.body import body_of
from ccit.serving.edge import CLIENT_KEY
from ccit.serving.leases import VersionNotHeld
from ccit.serving.protocol import parse
from ccit.serving.refusals import RequestRefused, refuse_unknown
from ccit.serving.steering import Steering, WrongExpectation
from ccit.store.private import open_private

logger = logging.getLogger("ccit.serving")


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


Wished = TypeVar("Wished", bound=Wish)


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
        return await self._steer(request, VersionWish, lambda w: self._steering.pin(w.version, w.expected))

    async def unpin(self, request: Request) -> Response:
        """Follow the announcements again."""
        return await self._steer(request, Wish, lambda w: self._steering.unpin(w.expected))

    async def rollback(self, request: Request) -> Response:
        """Ask the trainer."""
        return await self._steer(request, VersionWish, lambda w: self._steering.ask_back(w.version, w.expected), 202)

    async def _steer(
        self, request: Request, kind: type[Wished], act: Callable[[Wished], None], status: int = 200
    ) -> Response:
        attempt = {"attempt": uuid4().hex, "who": request.scope[CLIENT_KEY], "action": request.url.path}
        try:
            wish = await self._wish(request, kind)
            attempt |= wish.model_dump()
            await run_in_threadpool(self._write_first, attempt)
            await run_in_threadpool(_do, act, wish)
        except RequestRefused as refused:
            await run_in_threadpool(self._write, attempt | {"outcome": str(refused)})
            raise
        await run_in_threadpool(self._write, attempt | {"outcome": "done"})
        return JSONResponse({"pinned": self._steering.pinned}, status)

    async def _wish(self, request: Request, kind: type[Wished]) -> Wished:
        who = request.scope[CLIENT_KEY]
        if who not in self._settings.admin:
            raise RequestRefused(403, f"the token named {who!r} may not steer; serving.admin says which may")
        return parse(kind, await body_of(request, self._settings.client_seconds))

    def _write_first(self, attempt: dict[str, Any]) -> None:
        if not self._write(attempt | {"outcome": "asked"}):
            raise RequestRefused(503, "serving.admin_log cannot be written; nothing has changed", kind="server_error")

    def _write(self, line: dict[str, Any]) -> bool:
        assert self._settings.admin_log is not None  # there are no routes without one
        try:
            _append(self._settings.admin_log, {"at": datetime.now(UTC).isoformat()} | line)
        except OSError as error:
            logger.error("serving.admin_log cannot be written (%s): %s", error.strerror or error, line)  # noqa: TRY400 - the place of the error says nothing more
            return False
        return True


def _do(act: Callable[[Wished], None], wish: Wished) -> None:
    try:
        act(wish)
    except WrongExpectation as error:
        raise RequestRefused(409, str(error), "expected", "wrong_expectation") from error
    except VersionNotHeld as error:
        raise RequestRefused(409, str(error), "version", "version_not_held") from error
    except BrokerUnavailable as error:
        raise RequestRefused(503, str(error), kind="server_error", retry_after=5) from error


def _append(path: Path, line: dict[str, Any]) -> None:
    with open_private(path, "ab") as log:
        log.write(orjson.dumps(line) + b"\n")
        log.flush()
        os.fsync(log.fileno())
