"""All senders: one thread, one event loop, any number of connections up to a limit."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable

from confluent_kafka import KafkaError

from ccit.config import Config
from ccit.errors import BrokerUnavailable, CcitError, ConfigError, PortOccupied
from ccit.ingest.mllp.conversation import Conversation
from consumers.connection import kafka_settings
from consumers.mllp.access import Access, tls_context
from consumers.mllp.connection import LAST_WORDS_S, Connection
from consumers.mllp.publisher import Publisher

logger = logging.getLogger("ccit.mllp")

_HANDSHAKE_S = 10.0
_LOOPBACK = ("127.", "::1", "localhost")


class Listener:
    """Accepts connections until it is stopped.

    Parameters
    ----------
    clock : callable
        Seconds since 1970, for the answers.
    """

    def __init__(self, config: Config, clock: Callable[[], float] = time.time) -> None:
        self._settings, self._max_bytes = config.mllp, config.clinical.max_bytes
        self._kafka = kafka_settings(config)
        self._access = Access(self._settings.allow)
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._fault: CcitError | None = None
        self._open: dict[Connection, asyncio.Task[None] | None] = {}
        self.answered: Counter[str] = Counter()  # by code; "none" where the sender wants none
        self.turned_away = 0
        self.port = 0  # where it listens

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open)

    def stop(self) -> None:
        """Take no more messages, answer those on their way, and leave; safe in a signal handler and any thread."""
        if self._loop is None:
            self._stopping.set()
        else:
            self._loop.call_soon_threadsafe(self._stopping.set)

    def run(self) -> None:
        """Listen until stopped.

        Raises
        ------
        ConfigError
            A certificate cannot be read, or the address is none of this machine.
        PortOccupied
            Another process listens there.
        BrokerUnavailable
            The producer is of no use any more; a new process has a new one.
        """
        asyncio.run(self._serve())
        if self._fault is not None:
            raise self._fault

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        publisher = Publisher(self._kafka, self._broken)
        try:
            async with await self._listening(publisher) as server:
                await self._stopping.wait()
                server.close()
                tasks = [task for task in self._open.values() if task is not None]
                for connection in self._open:
                    connection.leave()
                if tasks:
                    await asyncio.wait(tasks, timeout=LAST_WORDS_S)
        finally:
            publisher.close()

    async def _listening(self, publisher: Publisher) -> asyncio.Server:
        where, context = self._settings, tls_context(self._settings)

        async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            talk = Conversation(self._max_bytes, self.answered)
            connection = Connection((reader, writer), talk, publisher.publish, where, self._clock)
            await self._accepted(connection, writer, context)

        try:
            server = await asyncio.start_server(accepted, where.host, where.port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortOccupied(
                    f"port {where.port} on {where.host} should be free for MLLP, but another process listens there; "
                    "set mllp.port (CCIT_MLLP__PORT) to another one"
                ) from error
            raise ConfigError(
                f"{where.host}:{where.port} cannot be listened on: {error.strerror or error}; set mllp.host"
            ) from error
        self.port = server.sockets[0].getsockname()[1]
        logger.info("MLLP on %s:%d, %s", where.host, self.port, "TLS" if context else "without TLS")
        if context is None and not where.host.startswith(_LOOPBACK):
            logger.warning("messages travel readable: set mllp.certificate, or let a tunnel end on this machine")
        return server

    async def _accepted(
        self, connection: Connection, writer: asyncio.StreamWriter, context: ssl.SSLContext | None
    ) -> None:
        """Whom the list does not name, and who finds no room, is not even worth a handshake.

        Nothing waits before `start_tls`: what the sender says must reach TLS, and no reader before it.
        """
        peer = str((writer.get_extra_info("peername") or [""])[0])
        if not self._access.allows(peer) or len(self._open) >= self._settings.max_connections:
            self.turned_away += 1
            why = "there are too many" if self._access.allows(peer) else "mllp.allow does not name it"
            logger.warning("a connection from %s is turned away: %s", peer, why)
            writer.close()
            return
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # a sender may be quiet for days, or be gone
        self._open[connection] = asyncio.current_task()
        if self._stopping.is_set():
            connection.leave()
        try:
            if context is not None:
                await writer.start_tls(context, ssl_handshake_timeout=_HANDSHAKE_S)
            await connection.run()
        except OSError as error:  # time-outs and faults of TLS among them
            logger.info("the connection from %s broke: %s", peer, type(error).__name__)
        finally:
            del self._open[connection]

    def _broken(self, error: KafkaError) -> None:
        self._fault = BrokerUnavailable(
            f"messages should reach {self._kafka.bootstrap_servers}, but {error.str()}; grant what is missing, or "
            "start again"
        )
        self.stop()
