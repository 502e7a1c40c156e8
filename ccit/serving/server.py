"""The HTTP server in a thread of its own: the port is bound before anything starts, and a stop lets requests finish."""

from __future__ import annotations

import asyncio
import errno
import gc
import math
import socket
import ssl
import threading
from types import TracebackType
from typing import Any, Self

import h11
import orjson
import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from ccit.config import Serving
from ccit.errors import ConfigError, PortOccupied
from ccit.serving.refusals import RequestRefused


class Server:
    """Serves an application until `stop`.

    Parameters
    ----------
    app : Starlette
        From `create_app`.
    settings : Serving
        `host`, `port` (0 takes a free one), `tls_*`, `client_seconds` and `drain_seconds` are read here.

    Raises
    ------
    PortOccupied
        On construction: another process listens there.
    ConfigError
        The host is no address of this machine, the port needs rights that this process lacks, or certificate and key
        cannot be used.

    Example
    -------
    >>> with Server(Starlette(), Serving(port=0)) as server:
    ...     server.url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(self, app: Starlette, settings: Serving) -> None:
        tls = _tls(settings)
        self._socket, self._scheme = _bind(settings.host, settings.port), "https" if tls else "http"
        config = _Config(
            app,
            http=_Http,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_keep_alive=math.ceil(settings.client_seconds),  # `_Http` looks at it sooner and at more
            timeout_graceful_shutdown=max(1, round(settings.drain_seconds)),
            **tls,
        )
        config.client_seconds = settings.client_seconds
        self._server = _Uvicorn(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="serve", daemon=True)
        self._froze = False

    @property
    def port(self) -> int:
        """The port actually listened on."""
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """Where clients find it, without the `/v1`."""
        host = self._socket.getsockname()[0]
        return f"{self._scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    def start(self) -> int:
        """Start answering; returns the port once requests are taken."""
        port = self.port
        # What is loaded now lives as long as the process. A full pass of the garbage collector over torch and
        # transformers took 0.4 to 0.8 s, in which no thread makes a token; frozen objects are left out of it. A process
        # that has frozen its own before is left as it is: thawing, at the stop, would thaw all.
        self._froze = gc.get_freeze_count() == 0
        if self._froze:
            gc.collect()
            gc.freeze()
        self._thread.start()
        self._server.up.wait()
        return port

    def stop(self) -> None:
        """Take no more connections, let requests in flight finish (`drain_seconds` at most), and end."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()
        if self._froze:
            gc.unfreeze()  # so that libraries find their objects collected, and do not complain, when the process ends
            self._froze = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Config(uvicorn.Config):
    client_seconds = 0.0


class _Http(H11Protocol):
    """A connection, which lives for so long as whole heads of requests come within `client_seconds`.

    uvicorn waits for ever for the first byte of a connection and for the end of a head. The time runs from the
    connection and from each answer on, so that neither a byte now and then nor the rest of a body that nobody reads
    prolongs it.
    """

    _awaiting: asyncio.TimerHandle | None = None
    _untaken = 0  # bytes of the last answer

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._await_head()

    def handle_events(self) -> None:
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._head_has_come()

    def on_response_complete(self) -> None:
        self._await_head()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._head_has_come()

    def _await_head(self) -> None:
        self._head_has_come()
        assert isinstance(self.config, _Config)
        self._untaken = self.transport.get_write_buffer_size()
        self._awaiting = self.loop.call_later(self.config.client_seconds, self._too_late)

    def _head_has_come(self) -> None:
        if self._awaiting is not None:
            self._awaiting.cancel()
            self._awaiting = None

    def _too_late(self) -> None:
        untaken = self.transport.get_write_buffer_size()
        if 0 < untaken < self._untaken:  # still taking the last answer
            self._await_head()
        elif untaken:
            self.transport.abort()
        else:
            self.timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP, or has headers of more than 64 KiB, is refused in OpenAI's envelope too."""
        body = orjson.dumps(RequestRefused(400, msg, code="invalid_http").body)
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        for event in (h11.Response(status_code=400, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.up.set()


def _tls(settings: Serving) -> dict[str, Any]:
    """uvicorn's options, after trying certificate and key."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return {}
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(settings.tls_certificate, settings.tls_key)
    except OSError as error:  # an SSLError is one
        raise ConfigError(f"serving.tls_certificate and serving.tls_key cannot be used: {error}") from error
    return {"ssl_certfile": settings.tls_certificate, "ssl_keyfile": settings.tls_key}


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"serving.host {host!r} cannot be listened on: {error.strerror or error}") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(socket.SOMAXCONN)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise PortOccupied(
                f"port {port} on {host} is taken by another process; set serving.port (CCIT_SERVING__PORT) to another "
                "one, or to 0 for any free one"
            ) from error
        raise ConfigError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}; set serving.port"
        ) from error
    return listening
