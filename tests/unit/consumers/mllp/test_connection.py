"""One sender over a real socket of this machine; Kafka is a list."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from ccit.config import Mllp
from ccit.ingest.hl7.message import parse
from ccit.ingest.mllp.answers import Outcome
from ccit.ingest.mllp.conversation import Conversation
from ccit.ingest.mllp.framing import Framer
from ccit.ingest.mllp.reception import Received
from consumers.mllp.connection import Connection

Tell = Callable[[Outcome], None]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def message(control_id: str) -> bytes:
    head = f"MSH|^~\\&|LAB|NORTH|||2026||ORU^R01|{control_id}|P|2.5\rPID|1||4711||Roe^Ann\r"
    return b"\x0b" + head.encode() + b"\x1c\r"


class Log:
    """Takes messages, and has them or not."""

    def __init__(self, outcome: Outcome | None = "stored") -> None:
        self.outcome = outcome
        self.kept: list[str] = []
        self.asked: list[Tell] = []

    async def publish(self, received: Received, tell: Tell) -> None:
        self.kept.append(received.header.control_id)
        self.asked.append(tell)
        if self.outcome is not None:
            asyncio.get_running_loop().call_soon(tell, self.outcome)


def with_sender(
    log: Log, said: Callable[[Streams, Connection], Coroutine[Any, Any, None]], **settings: Any
) -> list[str]:
    """Run a sender's part against a connection; the codes and control ids that he was answered."""

    async def talk() -> bytes:
        made: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()

        async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            one = Connection((reader, writer), Conversation(2000), log.publish, Mllp(**settings), lambda: 0.0)
            made.set_result(one)
            await one.run()

        async with await asyncio.start_server(accepted, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            await said((reader, writer), await made)
            if writer.can_write_eof() and not writer.is_closing():
                writer.write_eof()
            answers = await asyncio.wait_for(reader.read(), 10.0)
            writer.close()
            return answers

    frames = Framer(5000).feed(asyncio.run(talk()))
    return [" ".join(parse(frame.value).segments[1].text(n) for n in (1, 2)) for frame in frames]


def sends(*pieces: bytes) -> Callable[[Streams, Connection], Coroutine[Any, Any, None]]:
    async def send(streams: Streams, _: Connection) -> None:
        for piece in pieces:
            streams[1].write(piece)
            await streams[1].drain()

    return send


def test_messages_are_stored_and_answered_in_order() -> None:
    log = Log()
    assert with_sender(log, sends(message("1") + message("2"), message(""), message("3"))) == [
        *("AA 1", "AA 2"),
        *("AE ", "AA 3"),
    ]
    assert log.kept == ["1", "2", "3"]


def test_what_could_not_be_stored_is_refused() -> None:
    assert with_sender(Log("unavailable"), sends(message("1"))) == ["AR 1"]


def test_a_message_in_packets_of_one_byte() -> None:
    assert with_sender(Log(), sends(*(message("1")[n : n + 1] for n in range(len(message("1")))))) == ["AA 1"]


def test_one_that_takes_too_long_is_refused_and_the_connection_closed() -> None:
    async def half(streams: Streams, _: Connection) -> None:
        streams[1].write(message("0") + message("7")[:-9])
        await asyncio.wait_for(streams[0].readuntil(b"\x1c\r"), 10.0)
        await asyncio.sleep(0.15)

    assert with_sender(Log(), half, frame_seconds=0.05) == ["AE 7"]


def test_a_message_that_is_begun_anew_has_its_own_time() -> None:
    began: list[float | None] = []

    async def anew(streams: Streams, connection: Connection) -> None:
        for number, piece in enumerate((message("0")[:-9], message("1")[:40]), start=1):
            streams[1].write(piece)
            while connection._talk.begun < number:
                await asyncio.sleep(0.005)
            began.append(connection._begun_at)
        streams[1].write(message("1")[40:])

    assert with_sender(Log(), anew) == ["AA 1"]
    first, second = began
    assert first is not None
    assert second is not None
    assert second > first


def test_a_sender_who_is_quiet_between_messages_stays() -> None:
    async def quiet(streams: Streams, _: Connection) -> None:
        streams[1].write(message("1"))
        await asyncio.sleep(0.15)
        streams[1].write(message("2"))

    assert with_sender(Log(), quiet, frame_seconds=0.05) == ["AA 1", "AA 2"]


def test_no_more_is_read_than_may_wait() -> None:
    """A sender who never waits for answers fills his own buffers, not this process."""
    log = Log(outcome=None)

    async def flood(streams: Streams, _: Connection) -> None:
        streams[1].write(b"".join(message(str(n)) for n in range(9)))
        while len(log.asked) < 3:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        assert len(log.asked) == 3
        log.outcome = "stored"
        for tell in log.asked[:3]:
            tell("stored")

    assert with_sender(log, flood, in_flight=3) == [f"AA {n}" for n in range(9)]


@pytest.mark.parametrize("refused", [2000, 200], ids=["while he sends", "when he has ended"])
def test_a_sender_who_reads_no_answers_keeps_no_socket(refused: int) -> None:
    async def talk() -> int:
        ended: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()

        async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            own = writer.get_extra_info("socket")
            own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            one = Connection((reader, writer), Conversation(2000), Log().publish, Mllp(frame_seconds=0.1), lambda: 0.0)
            with suppress(OSError):
                await one.run()
            ended.set_result(own)

        async with await asyncio.start_server(accepted, "127.0.0.1", 0) as server:
            with socket.socket() as sender:
                sender.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                sender.setblocking(False)
                await asyncio.get_running_loop().sock_connect(sender, server.sockets[0].getsockname())
                await asyncio.get_running_loop().sock_sendall(sender, message("") * refused)
                sender.shutdown(socket.SHUT_WR)
                own = await asyncio.wait_for(ended, 5.0)
                await asyncio.sleep(0)
                return own.fileno()

    assert asyncio.run(talk()) == -1


def test_refused_messages_that_wait_for_one_before_them_fill_no_memory_either() -> None:
    log = Log(outcome=None)
    refused = b"\x0bMSH|^~\\&|" + b"x" * 1900 + b"\x1c\r"

    async def flood(streams: Streams, connection: Connection) -> None:
        streams[1].write(message("1") + refused * 600)
        while not log.asked:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.1)
        assert 3 <= connection._talk.waiting <= 3 + 64 * 1024 // len(refused) + 1
        log.asked[0]("stored")

    assert with_sender(log, flood, in_flight=3) == ["AA 1", *["AE "] * 600]


def test_while_nothing_is_read_no_frame_grows_old() -> None:
    log = Log(outcome=None)

    async def slow(streams: Streams, _: Connection) -> None:
        streams[1].write(message("1") + message("2")[:-9])
        await asyncio.sleep(0.3)
        log.outcome = "stored"
        log.asked[0]("stored")
        await asyncio.sleep(0.02)
        streams[1].write(message("2")[-9:])

    assert with_sender(log, slow, in_flight=1, frame_seconds=0.15) == ["AA 1", "AA 2"]


def test_a_listener_that_stops_does_not_wait_for_what_it_would_not_read() -> None:
    log = Log(outcome=None)

    async def stopped(streams: Streams, connection: Connection) -> None:
        streams[1].write(message("1"))
        while not log.asked:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)
        connection.leave()
        log.asked[0]("stored")

    assert with_sender(log, stopped, in_flight=1) == ["AA 1"]


def test_a_listener_that_stops_answers_answers_what_is_on_its_way_and_takes_nothing_more() -> None:
    log = Log(outcome=None)

    async def stopped(streams: Streams, connection: Connection) -> None:
        streams[1].write(message("1") + message("2")[:-5])
        while not log.asked:
            await asyncio.sleep(0.005)
        connection.leave()
        await asyncio.sleep(0.02)
        log.asked[0]("stored")

    assert with_sender(log, stopped) == ["AA 1"]
