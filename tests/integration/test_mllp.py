"""`ccit mllp` on real Kafka: TLS, answers after delivery, kill -9 in the middle."""

from __future__ import annotations

import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import tomli_w
import trustme

from ccit.config import load_config
from ccit.ingest.hl7.message import parse
from ccit.ingest.mllp.framing import Framer
from consumers.clinical import ClinicalStep
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.topics import Topics
from tests.integration.following import messages_of, until

SENDERS, EACH = 3, 4000


def message(control_id: str, patient: str = "4711") -> bytes:
    head = f"MSH|^~\\&|LAB|NORTH|||2026||ORU^R01|{control_id}|P|2.5\rPID|1||{patient}^^^H||Roe^Ann\r"
    report = f"OBR|1||{control_id}|24^CHEST XRAY\rOBX|1|TX|||The lungs are clear, report {control_id}.||||||F\r"
    return b"\x0b" + (head + report).encode() + b"\x1c\r"


class Sender:
    """Sends one message after the other and reads the answers."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        self._socket: socket.socket = socket.create_connection(("127.0.0.1", port), timeout=20.0)
        if context is not None:
            self._socket = context.wrap_socket(self._socket, server_hostname="127.0.0.1")
        self._framer = Framer(5000)

    def send(self, value: bytes) -> tuple[str, str]:
        """Code and control id of the answer. Raises `OSError` where none comes."""
        self._socket.sendall(value)
        while True:
            piece = self._socket.recv(65536)
            if not piece:
                raise ConnectionError("no answer")
            for frame in self._framer.feed(piece):
                answer = parse(frame.value).segments[1]
                return answer.text(1), answer.text(2)


def configured(settings: KafkaSettings, folder: Path, **mllp: object) -> Path:
    path = folder / "ccit.toml"
    kafka = {"bootstrap_servers": settings.bootstrap_servers, "prefix": settings.prefix, "create_topics": False}
    path.write_text(tomli_w.dumps({"kafka": kafka, "mllp": {"port": 0, **mllp}}), "utf-8")
    return path


@contextmanager
def listening(config: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    command = [sys.executable, "-m", "ccit.cli.main", "mllp", "--config", str(config)]
    log = config.parent / "mllp.log"
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    try:
        until(lambda: process.poll() is not None or "MLLP on" in log.read_text("utf-8"), "it listens")
        found = re.search(r"MLLP on \S+:(\d+)", log.read_text("utf-8"))
        assert found is not None, log.read_text("utf-8")
        yield process, int(found[1])
    finally:
        process.kill()
        process.wait()


def stored(settings: KafkaSettings) -> list[str]:
    """The control ids in `clinical`, as they come."""
    return [parse(one.value or b"").control_id for one in messages_of(settings, "clinical")]


def test_what_was_acknowledged_outlives_a_kill_and_what_is_sent_again_is_one_row(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    config = configured(settings, tmp_path)
    acknowledged: list[str] = []
    unanswered: list[str] = []

    def send(sender: Sender, first: int) -> None:
        for number in range(first, first + EACH):
            try:
                answer = sender.send(message(str(number)))
            except OSError:
                unanswered.append(str(number))
                return
            assert answer == ("AA", str(number))
            acknowledged.append(str(number))

    with listening(config) as (process, port):
        threads = [threading.Thread(target=send, args=(Sender(port), n * EACH), daemon=True) for n in range(SENDERS)]
        for thread in threads:
            thread.start()
        until(lambda: len(acknowledged) >= 60, "messages are acknowledged")
        process.kill()
        for thread in threads:
            thread.join(20.0)
    assert len(unanswered) == SENDERS, "the kill came in the middle"
    assert set(acknowledged) <= set(stored(settings))
    with listening(config) as (process, port):
        sender = Sender(port)
        again = [*unanswered, *acknowledged[-5:]]
        assert [sender.send(message(one)) for one in again] == [("AA", one) for one in again]
        process.send_signal(signal.SIGTERM)
        assert process.wait(20.0) == 0
    found = messages_of(settings, "clinical")
    assert {one.key for one in found} == {b"4711|H"}
    assert len({one.partition for one in found}) == 1, "one patient's messages keep their order"
    rows = ClinicalStep(load_config(config))(found)
    assert [row.topic for row in rows] == [Topics(settings.prefix).raw.name] * len({*acknowledged, *unanswered})
    assert "Roe" not in (tmp_path / "mllp.log").read_text("utf-8")


def test_mutual_tls(settings: KafkaSettings, tmp_path: Path) -> None:
    authority, server, roots, client = (trustme.CA(), *(tmp_path / f"{name}.pem" for name in ("s", "ca", "c")))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(server))
    authority.issue_cert("lab.north").private_key_and_cert_chain_pem.write_to_path(str(client))
    authority.cert_pem.write_to_path(str(roots))
    config = configured(settings, tmp_path, certificate=str(server), client_ca=str(roots))
    stranger, known = (ssl.create_default_context(cafile=str(roots)) for _ in range(2))
    known.load_cert_chain(str(client))
    with listening(config) as (_, port):
        with pytest.raises(OSError, match=r"CERTIFICATE_REQUIRED|certificate required|reset|no answer"):
            Sender(port, stranger).send(message("1"))
        with pytest.raises(OSError, match=r"no answer|reset"):
            Sender(port).send(message("1"))
        assert Sender(port, known).send(message("2")) == ("AA", "2")
    assert stored(settings) == ["2"]


def test_who_is_not_named_is_turned_away(settings: KafkaSettings, tmp_path: Path) -> None:
    config = configured(settings, tmp_path, allow=["10.1.0.0/16"])
    with listening(config) as (_, port), pytest.raises(OSError, match=r"no answer|reset"):
        Sender(port).send(message("1"))
    assert stored(settings) == []
