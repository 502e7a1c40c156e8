from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest
from jsonschema import Draft202012Validator

from ccit.serving.openapi import BODIES
from ccit.serving.protocol import parse
from ccit.serving.refusals import RequestRefused

if TYPE_CHECKING:
    from tests.unit.serving.conftest import Serve

CHAT: dict[str, Any] = {"model": "ccit", "messages": [{"role": "user", "content": "x"}]}


@pytest.fixture(scope="module")
def described(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Any:
    log: Path = tmp_path_factory.mktemp("admin") / "log"
    with serve(token="geheim", admin=["token"], admin_log=log, embedder=lambda: None) as running:
        return httpx.get(f"{running.server.url}/openapi.json").json()


def test_every_path_that_takes_a_body_says_which(described: Any) -> None:
    assert {path for path, found in described["paths"].items() if "requestBody" in found.get("post", {})} == set(BODIES)
    assert {"/v1/models", "/v1/models/{name}", "/health", "/ready", "/metrics"} <= set(described["paths"])
    assert "security" not in described["paths"]["/health"]["get"]
    for schema in described["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for name in {part.split('"')[0] for part in json.dumps(described).split("#/components/schemas/")[1:]}:
        assert name in described["components"]["schemas"]


@pytest.mark.parametrize(
    ("change", "right"),
    [
        ({}, True),
        ({"n": 3, "seed": 5, "stop": ["a"], "logit_bias": {"1": 2}, "logprobs": True, "top_logprobs": 2}, True),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}}, True),
        ({"n": 9}, False),
        ({"temperature": 2.5}, False),
        ({"messages": []}, False),
        ({"messages": [{"role": "wizard", "content": "x"}]}, False),
        ({"logit_bias": {"1": 101}}, False),
    ],
)
def test_the_document_takes_what_the_server_takes(described: Any, change: dict[str, Any], right: bool) -> None:
    body = CHAT | change
    schema = {"$ref": "#/components/schemas/ChatRequest", "components": described["components"]}
    assert Draft202012Validator(schema).is_valid(body) == right
    if right:
        assert parse(BODIES["/v1/chat/completions"], orjson.dumps(body))
    else:
        with pytest.raises(RequestRefused):
            parse(BODIES["/v1/chat/completions"], orjson.dumps(body))
