"""The server as an OpenAPI 3.1 document: paths, and what each takes, from the models that read it."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.routing import Route

from ccit.serving.admin import VersionWish, Wish
from ccit.serving.embedding import EmbeddingRequest
from ccit.serving.protocol import ChatRequest, CompletionRequest
from ccit.serving.scoring import ScoreRequest

BODIES: dict[str, type[BaseModel]] = {
    "/v1/chat/completions": ChatRequest,
    "/v1/completions": CompletionRequest,
    "/v1/score": ScoreRequest,
    "/v1/embeddings": EmbeddingRequest,
    "/admin/pin": VersionWish,
    "/admin/unpin": Wish,
    "/admin/rollback": VersionWish,
}
_OPEN = ("/health", "/ready", "/metrics")  # want no token
_ENVELOPE = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
_REFUSED = {
    "description": "OpenAI's error envelope",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refused"}}},
}


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """Of the routes that a server has.

    Example
    -------
    >>> async def endpoint(request): ...
    >>> sorted(document([Route("/v1/score", endpoint, methods=["POST"])])["paths"]["/v1/score"]["post"])
    ['requestBody', 'responses', 'security']
    """
    template = "#/components/schemas/{model}"
    _, read = models_json_schema([(model, "validation") for model in BODIES.values()], ref_template=template)
    return {
        "openapi": "3.1.0",
        "info": {"title": "ccit", "version": version("ccit")},
        "paths": {route.path.replace("{name:path}", "{name}"): _path(route) for route in routes},
        "components": {
            "schemas": {**read["$defs"], "Refused": _ENVELOPE},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _path(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {"responses": {"2XX": {"description": "answered"}, "default": _REFUSED}}
    if route.path not in _OPEN:
        operation["security"] = [{"token": []}, {}]
    body = BODIES.get(route.path)
    if body is not None:
        schema = {"$ref": f"#/components/schemas/{body.__name__}"}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if "{name" in route.path:
        name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
        operation["parameters"] = [name]
    return {"post" if "POST" in (route.methods or ()) else "get": operation}
