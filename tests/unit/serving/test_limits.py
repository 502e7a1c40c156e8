"""What a server asks of its clients, and that bad ones harm nobody else."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import openai
import pytest
import trustme

from ccit.config import Serving
from ccit.errors import ConfigError
from ccit.ports.serving import Sampling
from ccit.serving.answering import Answering, Order
from ccit.serving.engine import Asked, Engine
from ccit.serving.metrics import ServingMetrics
from ccit.serving.server import Server

if TYPE_CHECKING:
    from tests.unit.serving.conftest import Running, Serve

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
LONG: dict[str, Any] = {"model": "ccit", "messages": HELLO, "max_tokens": 900, "temperature": 0}


def until(true: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def raw(running: Running, body: dict[str, Any], **change: str) -> socket.socket:
    """A request by hand, of which only the first byte of the answer has been read."""
    content = json.dumps(body).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\n"
    connection = socket.create_connection(("127.0.0.1", running.server.port), timeout=20)
    connection.sendall(head.encode() + content)
    assert connection.recv(1)
    return connection


def test_a_token_of_the_file_works_from_the_moment_it_stands_there(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("ward-7 first\n")
    with serve(tokens_file=file) as running:
        assert running.client("first").models.list()
        file.write_text("ward-7 second-one\n")
        assert running.client("second-one").models.list()
        with pytest.raises(openai.AuthenticationError):
            running.client("first").models.list()


def test_more_requests_than_a_token_may_send_get_429_with_the_time_to_wait(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("ward-7 first\nlab second\n")
    with serve(tokens_file=file, requests_per_minute=2) as running:
        hasty, other = running.client("first"), running.client("second")
        for _ in range(2):
            hasty.models.list()
        with pytest.raises(openai.RateLimitError) as caught:
            hasty.models.list()
        assert 0 < int(caught.value.response.headers["retry-after"]) <= 30
        assert caught.value.code == "rate_limit_exceeded"
        assert other.models.list()


def test_a_full_line_gets_503_with_the_time_to_wait_before_its_prompt_is_encoded(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(concurrency=1, queue=0, max_new_tokens=900) as running, raw(running, LONG | {"stream": True}):
        monkeypatch.setattr("ccit.serving.prompts.Prompts.encode", None)
        with pytest.raises(openai.InternalServerError) as caught:
            running.client().chat.completions.create(**LONG)
        assert (caught.value.status_code, caught.value.code) == (503, "overloaded")
        assert caught.value.response.headers["retry-after"] == "1"


def test_an_answer_that_takes_too_long_is_ended_with_504(serve: Serve) -> None:
    with serve(max_new_tokens=900, answer_seconds=0.05) as running:
        client = running.client()
        with pytest.raises(openai.InternalServerError) as caught:
            client.chat.completions.create(**LONG)
        assert (caught.value.status_code, caught.value.code) == (504, "timeout")
        with pytest.raises(openai.APIError, match="longer than"):
            list(client.chat.completions.create(**LONG, stream=True))
        until(lambda: running.slots.in_use == 0)


def test_a_body_that_does_not_come_gets_408(serve: Serve) -> None:
    with serve(client_seconds=0.05) as running:
        with socket.create_connection(("127.0.0.1", running.server.port), timeout=20) as connection:
            connection.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")
            assert connection.recv(100).startswith(b"HTTP/1.1 408 ")
        assert running.client().models.list()


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST /v1/completions HT", b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"],
    ids=["nothing", "half a head", "half a body that nobody reads"],
)
def test_a_connection_on_which_no_whole_head_comes_is_closed(serve: Serve, sent: bytes) -> None:
    with serve(client_seconds=0.2) as running:
        with socket.create_connection(("127.0.0.1", running.server.port), timeout=20) as connection:
            connection.sendall(sent)
            while connection.recv(100):
                with suppress(OSError):
                    connection.sendall(b"x")
        assert running.client().models.list()


def test_an_answer_may_take_longer_than_a_head(serve: Serve) -> None:
    with serve(client_seconds=0.2, max_new_tokens=600) as running, httpx.Client(timeout=20) as client:
        url = f"{running.server.url}/v1/chat/completions"
        replies = [client.post(url, json=LONG | {"max_tokens": 600}) for _ in range(2)]
        assert [reply.json()["usage"]["completion_tokens"] for reply in replies] == [600, 600]
        assert replies[0].elapsed.total_seconds() > 0.2
        ports = {reply.extensions["network_stream"].get_extra_info("client_addr") for reply in replies}
        assert len(ports) == 1


def test_who_vanishes_or_closes_half_way_gives_everything_back(serve: Serve) -> None:
    with serve(concurrency=2, queue=0, max_new_tokens=900) as running:
        for leave in (socket.socket.close, lambda connection: connection.shutdown(socket.SHUT_WR)):
            connections = [raw(running, LONG | {"stream": True}) for _ in range(2)]
            for connection in connections:
                leave(connection)
            until(lambda: running.slots.in_use == 0)
            for connection in connections:
                connection.close()
        assert running.client().chat.completions.create(**LONG | {"max_tokens": 1})


def test_a_page_may_ask_from_a_browser_where_it_is_named(serve: Serve) -> None:
    asking = {"origin": "https://ward.example", "access-control-request-method": "POST"}
    with serve(token="geheim", cors_origins=["https://ward.example"]) as running:
        url = f"{running.server.url}/v1/chat/completions"
        answer = httpx.options(url, headers=asking)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "https://ward.example")
        assert httpx.options(url, headers=asking | {"origin": "https://elsewhere.example"}).status_code == 400
        refused = httpx.post(url, headers={"origin": "https://ward.example"})  # the browser may read why
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "https://ward.example")


def test_tls_is_spoken_where_a_certificate_is_given(serve: Serve, tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(key))
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with serve(tls_certificate=certificate, tls_key=key) as running:
        assert running.server.url.startswith("https://")
        assert httpx.get(f"{running.server.url}/health", verify=trusting).status_code == 200
    with pytest.raises(ConfigError, match="cannot be used"):
        Server(running.server._server.config.app, Serving(port=0, tls_certificate=key, tls_key=key))  # type: ignore[arg-type]  # the same application


Message = MutableMapping[str, Any]


def test_who_takes_nothing_of_an_answer_is_let_go(serve: Serve) -> None:
    async def stalled(running: Running) -> None:
        async def never() -> Message:
            return await asyncio.Event().wait()  # type: ignore[return-value]  # it never returns

        async def stuck(_: Message) -> None:
            await asyncio.Event().wait()

        order = Order("chat", Asked([1, 2], [Sampling(900, temperature=0)]), stream=True, include_usage=False)
        answering = Answering(Engine(running.slots), ServingMetrics(), order, Serving(client_seconds=0.05))
        await asyncio.wait_for(answering({"type": "http"}, never, stuck), 20)
        assert running.slots.in_use == 0

    with serve() as running:
        asyncio.run(stalled(running))
