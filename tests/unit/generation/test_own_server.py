"""Our own server takes what the endpoint asks it, and holds the model to the schema."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ccit.config.serving import Serving
from ccit.generation.asking import Answer, Request, RequestSampling
from ccit.generation.endpoint import Endpoint, RetryPolicy
from ccit.generation.replies import schema
from ccit.models.causal import load_causal
from ccit.serving.app import create_app
from ccit.serving.engine import Engine
from ccit.serving.readiness import Readiness
from ccit.serving.server import Server
from ccit.testing import random_model
from tests.unit.serving.held import slots_over


def test_a_request_is_answered_in_json_whatever_the_model_would_say(tmp_path: Path) -> None:
    causal = load_causal(str(random_model(tmp_path)), device="cpu", threads=1)
    settings = Serving(port=0)
    engine = Engine(slots_over(causal, 1), settings.concurrency, settings.queue, settings.queue_seconds)
    messages = ({"role": "system", "content": "Obey."}, {"role": "user", "content": "Dose?"})
    request = Request(RequestSampling("ccit", 24, 0.0, 3), messages, schema(True))

    async def ask(url: str) -> Answer:
        endpoint = Endpoint(url, "", RetryPolicy(60.0, 1))
        try:
            return await endpoint.ask(request)
        finally:
            await endpoint.close()

    with Server(create_app(engine, Readiness(), settings, None), settings) as server:
        answer = asyncio.run(ask(f"{server.url}/v1"))
    assert answer.text.replace(" ", "").startswith('{"reasoning":')
    assert answer.finish_reason in ("length", "stop")
    assert answer.model.startswith("ccit")
    assert answer.tokens > 24
