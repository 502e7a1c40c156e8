"""A ward's system that sends HL7 v2 over a socket (MLLP) and waits for each answer before it sends the next."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Iterable

from ccit.errors import CcitError
from ccit.ingest.hl7.message import parse
from ccit.ingest.mllp.framing import BEGIN, END, HEAD_BYTES, Framer
from consumers.kafka.closing import Closing

_ANSWER_S = 30.0  # Kafka has 20 s to take a message
_PAUSE_S = 0.1
_PIECE = 65536


class MllpSender(Closing):
    """One connection.

    Parameters
    ----------
    patience_s : float
        Seconds in which the listener must have opened its port.

    Raises
    ------
    CcitError
        Nobody listened by then.
    """

    def __init__(self, port: int, patience_s: float) -> None:
        self._socket = _connected(port, patience_s)
        self._framer = Framer(HEAD_BYTES)

    def send(self, messages: Iterable[bytes]) -> Counter[str]:
        """How often each code came back: `AA` for what is safe, `AE` and `AR` for what is refused.

        Raises `CcitError` where the listener hangs up.
        """
        try:
            return Counter(self._answer_to(message) for message in messages)
        except OSError as error:
            raise CcitError(
                f"expected an answer over MLLP to each message, but the connection broke: {error}"
            ) from None

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _answer_to(self, message: bytes) -> str:
        self._socket.sendall(BEGIN + message + END)
        while True:
            piece = self._socket.recv(_PIECE)
            if not piece:
                raise ConnectionError("the listener hung up")
            for frame in self._framer.feed(piece):
                return next(segment.text(1) for segment in parse(frame.value) if segment.name == "MSA")


def _connected(port: int, patience_s: float) -> socket.socket:
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=_ANSWER_S)
        except OSError as error:
            if time.monotonic() > deadline:
                raise CcitError(f"expected `ccit mllp` on port {port} within {patience_s:.0f} s: {error}") from None
        time.sleep(_PAUSE_S)
