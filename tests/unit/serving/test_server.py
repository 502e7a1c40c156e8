from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette

from ccit.config_serving import Serving
from ccit.errors import ConfigError, PortOccupied
from ccit.serving.server import Server

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
