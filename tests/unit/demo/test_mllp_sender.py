"""A sender over a real socket: one answer for each message, in pieces, and none from who hangs up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ccit.demo.mllp_sender import MllpSender
from ccit.errors import CcitError
from ccit.ingest.mllp.framing import BEGIN, END, Framer


def answer(code: str) -> bytes:
    return BEGIN + f"MSH|^~\\&|CCIT||||2026||ACK|1|P|2.5\rMSA|{code}|7\r".encode() + END


@contextmanager
def listening(says: Callable[[bytes], list[bytes]]) -> Iterator[int]:
    """A listener of one connection that sends the pieces for each message, and hangs up where there are none."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            connection, _ = server.accept()
            framer = Framer(5000)
            with connection:
                while piece := connection.recv(100):
                    for frame in framer.feed(piece):
                        pieces = says(frame.value)
                        if not pieces:
                            return
                        for one in pieces:
                            connection.sendall(one)

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10.0)


def test_each_message_waits_for_its_answer_and_codes_are_counted() -> None:
    came: list[bytes] = []

    def says(message: bytes) -> list[bytes]:
        came.append(message)
        whole = answer("AE" if message == b"b" else "AA")
        return [whole[:9], whole[9:]]

    with listening(says) as port, MllpSender(port, 5.0) as sender:
        assert sender.send([b"a", b"b", b"c"]) == {"AA": 2, "AE": 1}
    assert came == [b"a", b"b", b"c"]


def test_who_hangs_up_and_who_never_listened_is_said_in_a_sentence() -> None:
    with (
        listening(lambda _: []) as port,
        MllpSender(port, 5.0) as sender,
        pytest.raises(CcitError, match="expected an answer over MLLP"),
    ):
        sender.send([b"a"])
    with pytest.raises(CcitError, match="expected `ccit mllp` on port"):
        MllpSender(port, 0.0)
