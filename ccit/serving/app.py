"""The OpenAI-compatible application.

    POST /v1/chat/completions   POST /v1/completions      whole or streamed
    POST /v1/score              POST /v1/embeddings       perplexity of a given answer; vectors of texts
    GET  /v1/models             GET  /v1/models/{name}    the alias and every version held
    POST /admin/...                                       see `ccit/serving/admin.py`; off by default
    GET  /health   /ready   /metrics   /openapi.json       without a token

`model` is the alias (`ccit`: whatever version is active when the answer begins) or a version (`ccit@3`).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from time import time
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ccit.config import Serving
from ccit.serving.admin import Admin
from ccit.serving.answering import Answering, Order, overloaded
from ccit.serving.body import body_of
from ccit.serving.edge import CLIENT_KEY, VERSION_HEADER, Edge, refusal
from ccit.serving.embedding import CountingEmbedder, Embedding, EmbeddingRequest
from ccit.serving.engine import Asked, Engine
from ccit.serving.line import Line, Overloaded
from ccit.serving.metrics import RequestTimes, ServingMetrics
from ccit.serving.openapi import document
from ccit.serving.prompts import Prompts
from ccit.serving.protocol import (
    ChatRequest,
    Completing,
    CompletionRequest,
    parse,
    parse_model,
    unknown_model,
)
from ccit.serving.rates import Rates
from ccit.serving.readiness import Readiness
from ccit.serving.refusals import RequestRefused
from ccit.serving.replies import model_entry, model_list, state_of
from ccit.serving.scoring import ScoreRequest, given
from ccit.serving.steering import Steering
from ccit.serving.tokens import Tokens


def create_app(
    engine: Engine,
    readiness: Readiness,
    settings: Serving,
    embedder: Callable[[], CountingEmbedder] | None = None,
    steering: Steering | None = None,
) -> Starlette:
    """The application over an engine.

    Parameters
    ----------
    engine : Engine
        Owns the slots; whoever follows the version topic calls `engine.slots.load` and `activate`.
    readiness : Readiness
        `/ready` answers 503 until it is set.
    settings : Serving
        Tokens, limits of a request, `cors_origins` and `template_date` are read here.
    embedder : Callable[[], CountingEmbedder] | None
        Loads what answers `/v1/embeddings` when that is first asked; without one the path is not there.
    steering : Steering | None
        What `/admin/` acts on, where `settings.admin` lets anybody; None makes one.

    Raises
    ------
    ConfigError
        `tokens_file` cannot be used.
    """
    metrics = ServingMetrics()
    metrics.watch(engine)
    tokens, rates = Tokens(settings.token, settings.tokens_file), Rates(settings.requests_per_minute)
    edge = Middleware(Edge, slots=engine.slots, metrics=metrics, tokens=tokens, rates=rates)
    api = _Api(engine, readiness, settings, metrics)
    routes = [
        Route("/v1/chat/completions", api.chat, methods=["POST"]),
        Route("/v1/completions", api.complete, methods=["POST"]),
        Route("/v1/score", api.score, methods=["POST"]),
        *([] if embedder is None else [Route("/v1/embeddings", _embeddings(embedder, settings), methods=["POST"])]),
        Route("/v1/models", api.models),
        Route("/v1/models/{name:path}", api.model),
        *Admin(steering or Steering(engine.slots), settings).routes(),
        Route("/health", api.health),
        Route("/ready", api.ready),
        Route("/metrics", api.metrics),
    ]
    described = JSONResponse(document(routes))
    routes.append(Route("/openapi.json", lambda _: described))
    return Starlette(
        routes=routes,
        middleware=[*_cors(settings), edge],
        exception_handlers={RequestRefused: _refused, HTTPException: _http_refused, Exception: _broken},
    )


def _cors(settings: Serving) -> list[Middleware]:
    """Outside all else: a browser's question whether it may ask bears no token."""
    if not settings.cors_origins:
        return []
    allowed = Middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        expose_headers=[VERSION_HEADER],
    )
    return [allowed]


class _Api:
    def __init__(self, engine: Engine, readiness: Readiness, settings: Serving, metrics: ServingMetrics) -> None:
        self._engine, self._readiness, self._metrics = engine, readiness, metrics
        self._limits = settings
        self._prompts = Prompts(engine.slots.backend, settings.template_date)
        self._started = int(time())

    async def chat(self, request: Request) -> Response:
        return await self._answer(request, ChatRequest)

    async def complete(self, request: Request) -> Response:
        return await self._answer(request, CompletionRequest)

    async def _answer(self, request: Request, kind: type[Completing]) -> Response:
        asked = parse(kind, await self._body(request))
        times = RequestTimes(self._metrics, asked.n or 1)
        version = parse_model(asked.model, self._engine.slots.alias)
        ids = await run_in_threadpool(self._prompts.encode, asked)
        most = self._limits.max_new_tokens
        limit = min(asked.limit() or most, most, self._prompts.room(ids))
        samplings = await run_in_threadpool(asked.samplings, limit, self._engine.slots.backend.vocabulary)
        order = Order(
            endpoint=asked.endpoint,
            asked=Asked(ids, samplings, version, request.scope[CLIENT_KEY]),
            stream=bool(asked.stream),
            include_usage=asked.stream_options is not None and bool(asked.stream_options.include_usage),
            times=times,
        )
        return Answering(self._engine, self._metrics, order, self._limits)

    async def _body(self, request: Request) -> bytes:
        """What is asked. A full line refuses it unread: to parse and encode a prompt takes time from those let in."""
        body = await body_of(request, self._limits.client_seconds)
        try:
            self._engine.require_place(request.scope[CLIENT_KEY])
        except Overloaded as error:
            raise overloaded(error) from error
        return body

    async def score(self, request: Request) -> Response:
        asked = parse(ScoreRequest, await self._body(request))
        version = parse_model(asked.model, self._engine.slots.alias)
        prompt, answer = await run_in_threadpool(self._prompts.answered, asked.messages)
        if len(answer) > self._limits.max_new_tokens:
            what = (
                f"the answer has {len(answer)} tokens, more than serving.max_new_tokens ({self._limits.max_new_tokens})"
            )
            raise RequestRefused(400, what, "messages")
        asking = Asked(prompt, [given(answer)], version, request.scope[CLIENT_KEY])
        order = Order("score", asking, stream=False, include_usage=False)
        return Answering(self._engine, self._metrics, order, self._limits)

    async def models(self, _request: Request) -> Response:
        slots = self._engine.slots
        return JSONResponse(model_list(slots.alias, slots.active, slots.digests, self._started))

    async def model(self, request: Request) -> Response:
        slots, name = self._engine.slots, request.path_params["name"]
        number = parse_model(name, slots.alias)
        if number is not None and number not in slots.held:
            raise unknown_model(f"{name} is not held in memory here")
        version = slots.active if number is None else number
        entry = model_entry(slots.alias, version, self._started, pinned=number is not None)
        return JSONResponse(entry | state_of(version, slots.active, slots.digests.get(version, "")))

    async def health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        slots, readiness = self._engine.slots, self._readiness
        body = {
            "ready": readiness.ready,
            "detail": readiness.detail,
            "alias": slots.alias,
            "version": slots.active,
            "held": list(slots.held),
        }
        return JSONResponse(body, 200 if readiness.ready else 503)

    async def metrics(self, _request: Request) -> Response:
        return Response(self._metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _embeddings(
    embedder: Callable[[], CountingEmbedder], settings: Serving
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    embedding = Embedding(embedder)
    line = Line(1, settings.queue, settings.queue_seconds)

    async def embeddings(request: Request) -> Response:
        asked = parse(EmbeddingRequest, await body_of(request, settings.client_seconds))
        try:
            await line.take(request.scope[CLIENT_KEY])
        except Overloaded as error:
            raise overloaded(error) from error
        try:
            return JSONResponse(await run_in_threadpool(embedding.answer, asked))
        finally:
            line.give_back()

    return embeddings


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestRefused)
    return refusal(error)


async def _http_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = f"{request.method} {request.url.path}: {error.detail}"
    return refusal(RequestRefused(error.status_code, message, code="not_found" if error.status_code == 404 else None))


async def _broken(_request: Request, error: Exception) -> Response:
    return refusal(RequestRefused(500, f"the server failed: {type(error).__name__}", kind="server_error"))
