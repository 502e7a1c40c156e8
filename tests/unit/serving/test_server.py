from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import httpx
import pytest
from starlette.applications import Starlette
from uvicorn.server import ServerState

from ccit.config import Serving
from ccit.errors import ConfigError, PortOccupied
from ccit.serving.server import Server, _Config, _Http

if TYPE_CHECKING:
    from tests.unit.serving.conftest import Serve

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


def test_an_occupied_port_is_one_sentence_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortOccupied, match=rf"port {port} .*CCIT_SERVING__PORT"):
            Server(Starlette(), Serving(port=port))


def test_two_servers_do_not_share_a_port() -> None:
    with Server(Starlette(), Serving(port=0)) as first, pytest.raises(PortOccupied):
        Server(Starlette(), Serving(port=first.port))


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_a_host_that_is_not_here_is_a_configuration_error(host: str) -> None:
    with pytest.raises(ConfigError, match="cannot be listened on"):
        Server(Starlette(), Serving(host=host, port=0))


def test_a_stop_lets_a_stream_finish_and_frees_the_port(serve: Serve) -> None:
    with serve(max_new_tokens=300) as running:
        stream = running.client().chat.completions.create(
            model="ccit",
            messages=HELLO,
            max_tokens=300,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
        next(stream)
        port = running.server.port
        stopping = threading.Thread(target=running.server.stop, daemon=True)
        stopping.start()
        chunks = list(stream)
        stopping.join()
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.completion_tokens == 300
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/health")
    with socket.create_server(("127.0.0.1", port)):
        pass


@pytest.mark.parametrize(
    ("frozen", "done"), [(0, ["collect", "freeze", "unfreeze"]), (500_000, [])], ids=["nobody has", "its host has"]
)
def test_what_is_loaded_is_frozen_while_it_serves_where_nobody_has_frozen_it(
    frozen: int, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = Mock(**{"get_freeze_count.return_value": frozen})
    monkeypatch.setattr("ccit.serving.server.gc", collector)
    with Server(Starlette(), Serving(port=0)):
        assert [call[0] for call in collector.method_calls[1:]] == done[:2]
    assert [call[0] for call in collector.method_calls[1:]] == done


@pytest.mark.parametrize(
    ("left", "end"), [([9, 9], "abort"), ([9, 5, 5], "abort"), ([9, 5, 0], "close"), ([0, 0], "close")]
)
def test_who_has_not_taken_the_last_answer_is_let_go_when_nothing_of_it_is_taken(left: list[int], end: str) -> None:
    async def ended() -> Mock:
        transport = Mock(is_closing=lambda: False)
        transport.get_write_buffer_size.return_value = left[0]
        config = _Config(Starlette())
        config.client_seconds = 60
        connection = _Http(config, ServerState(), {})
        connection.connection_made(transport)
        for size in left[1:]:
            assert {transport.abort.called, transport.close.called} == {False}
            transport.get_write_buffer_size.return_value = size
            connection._too_late()
        connection.connection_lost(None)
        return transport

    assert getattr(asyncio.run(ended()), end).called
