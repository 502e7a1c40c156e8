"""Who is let in, and when TLS begins; what is said here needs no Kafka, for it is refused."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from ccit.config import Config
from consumers.mllp.listener import Listener

WITHOUT_ID = b"\x0bMSH|^~\\&|LAB|NORTH|||2026||ORU^R01||P|2.5\r\x1c\r"
SENDERS = 12


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def certificate(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "mllp.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(path))
    return path


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 5.0
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


@contextmanager
def listening(**mllp: object) -> Iterator[Listener]:
    kafka = {"bootstrap_servers": "127.0.0.1:1"}
    listener = Listener(Config.model_validate({"kafka": kafka, "mllp": {"port": 0, **mllp}}))
    thread = threading.Thread(target=listener.run)
    thread.start()
    try:
        until(lambda: listener.port > 0)
        yield listener
    finally:
        listener.stop()
        thread.join(10.0)


def connected(listener: Listener) -> socket.socket:
    return socket.create_connection(("127.0.0.1", listener.port), timeout=5.0)


def test_whom_the_list_does_not_name_is_turned_away_before_any_handshake(certificate: Path) -> None:
    with listening(allow=["10.1.0.0/16"], certificate=str(certificate)) as listener:
        with connected(listener) as stranger:
            assert stranger.recv(1) == b""  # nothing was said yet
        assert (listener.turned_away, listener.connections) == (1, 0)


def test_who_does_not_shake_hands_takes_one_place_of_those_there_are(certificate: Path) -> None:
    with listening(max_connections=1, certificate=str(certificate)) as listener, connected(listener):
        until(lambda: listener.connections == 1)
        with connected(listener) as second:
            assert second.recv(1) == b""
        assert listener.turned_away == 1


def test_many_who_begin_tls_at_once_are_all_heard(certificate: Path, authority: trustme.CA) -> None:
    """The first bytes of a sender come with his connection: none is lost before TLS begins."""
    context = ssl.create_default_context()
    authority.configure_trust(context)

    def answer(listener: Listener) -> bytes:
        with context.wrap_socket(connected(listener), server_hostname="127.0.0.1") as sender:
            sender.sendall(WITHOUT_ID)
            return sender.recv(5000)

    with listening(certificate=str(certificate)) as listener, ThreadPoolExecutor(SENDERS) as senders:
        answers = list(senders.map(answer, [listener] * SENDERS))
    assert all(b"MSA|AE|" in one for one in answers)
