"""Apache Kafka on this machine without Docker: KRaft, one node or three, from Maven Central's jars.

    with LocalKafka() as broker:
        create_topics(broker.settings())

Answers 3 to 5 s after the first jar is there; about 250 MB of memory a node. Everything listens on 127.0.0.1 alone.
"""

from __future__ import annotations

import base64
import contextlib
import shutil
import signal
import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from ccit.errors import BrokerUnavailable, ConfigError, PortOccupied
from ccit.store.atomic import write_atomically
from ccit.store.private import make_directory
from consumers.broker.java import java_program, kafka_jars
from consumers.broker.node import JAVA_OPTIONS, Addresses, Node, properties
from consumers.kafka.clients import KafkaSettings

_START_TIMEOUT_S = 90.0  # 3 to 5 s on two idle cores; a loaded machine may need ten times that
_WATCH_S = 0.5
_ASK_S = 0.5


class LocalKafka:
    """A cluster of one or three nodes that lives as long as this object and dies with the thread that started it.

    Parameters
    ----------
    nodes : int
        1, or 3 (replication 3, two copies in sync: any one node may die).
    data_dir : Path, optional
        Kept after the end, and found again at the next start. Default: a temporary folder, removed at the end.
    port : int, optional
        Where node 1 listens (the others follow). Default: free ports, chosen anew.
    extra : Mapping[str, str]
        Further broker properties.

    Raises
    ------
    ConfigError
        When Java or Maven is missing, or `nodes` is neither 1 nor 3.
    PortOccupied
        When `port` is taken.
    BrokerUnavailable
        When a node ends instead of answering.
    """

    def __init__(
        self,
        nodes: int = 1,
        data_dir: Path | None = None,
        port: int | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        if nodes not in (1, 3):
            raise ConfigError(f"a local Kafka has 1 or 3 nodes, not {nodes}")
        command = [java_program(), *JAVA_OPTIONS, "-cp", f"{kafka_jars()}/*"]
        self._temporary = data_dir is None
        self.data_dir = Path(tempfile.mkdtemp(prefix="ccit-kafka-")) if data_dir is None else data_dir.absolute()
        addresses = _addresses(nodes, port)
        self.bootstrap_servers = ",".join(f"127.0.0.1:{number}" for number in addresses.clients)
        self.nodes = [Node(self.data_dir / f"node-{number}", command) for number in range(1, nodes + 1)]
        for number, node in enumerate(self.nodes, 1):
            make_directory(node.home)
            text = properties(number, addresses, node.home / "data", extra or {})
            write_atomically(node.home / "server.properties", text.encode())

    def start(self) -> None:
        """Prepare what is new, start every node and wait until all answer."""
        cluster_id = self._cluster_id()
        for node in self.nodes:
            node.format(cluster_id)
            node.start()
        self.wait_until_answering()

    def wait_until_answering(self, nodes: int | None = None) -> None:
        """Return once that many nodes (default: all) are in the cluster's metadata.

        Raises
        ------
        BrokerUnavailable
            When a node ends, or the time is over.
        """
        wanted = len(self.nodes) if nodes is None else nodes
        deadline = time.monotonic() + _START_TIMEOUT_S
        silent = {address for address, node in self._by_address() if node.running}
        while silent and time.monotonic() < deadline and sum(node.running for node in self.nodes) >= wanted:
            silent -= {address for address in silent if _answers(address, wanted)}
        if silent or sum(node.running for node in self.nodes) < wanted:
            raise BrokerUnavailable(self._why_not(wanted))

    def _by_address(self) -> list[tuple[str, Node]]:
        return list(zip(self.bootstrap_servers.split(","), self.nodes, strict=True))

    def stop(self, node: int) -> None:
        """End node 1, 2 or 3 cleanly."""
        self.nodes[node - 1].stop()

    def kill(self, node: int) -> None:
        """End node 1, 2 or 3 by SIGKILL."""
        self.nodes[node - 1].kill()

    def restart(self, node: int) -> None:
        """Start node 1, 2 or 3 again, and wait until every running node answers and has caught up."""
        self.nodes[node - 1].start()
        self.wait_until_answering(sum(one.running for one in self.nodes))
        if all(one.running for one in self.nodes):
            self._wait_until_in_sync()

    def _wait_until_in_sync(self) -> None:
        """Until then the next kill could take the last complete copy of a partition away."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            with contextlib.suppress(KafkaException):
                topics = admin.list_topics(timeout=_ASK_S).topics.values()
                if all(len(p.isrs) == len(p.replicas) for topic in topics for p in topic.partitions.values()):
                    return
            time.sleep(0.1)
        raise BrokerUnavailable(
            f"a node should catch up within {_START_TIMEOUT_S:g} s of its start, but copies are still missing; "
            f"the logs are in {self.data_dir}"
        )

    def settings(self, prefix: str = "ccit.") -> KafkaSettings:
        """Connection settings for this cluster."""
        return KafkaSettings(self.bootstrap_servers, prefix)

    def close(self) -> None:
        """End every node; data kept for a next start is closed cleanly first."""
        for node in self.nodes:
            if self._temporary or len(self.nodes) > 1:  # three nodes lose their quorum while they wait for it
                node.kill()
            else:
                node.stop()
        if self._temporary:
            shutil.rmtree(self.data_dir, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _cluster_id(self) -> str:
        """One id per data folder: nodes of different clusters refuse each other."""
        kept = self.data_dir / "cluster-id"
        if not kept.is_file():
            write_atomically(kept, _new_cluster_id().encode())
        return kept.read_text("utf-8").strip()

    def _why_not(self, wanted: int) -> str:
        dead = [node for node in self.nodes if not node.running]
        said = f"; {dead[0].log} ends with: {dead[0].last_words()}" if dead else ""
        return (
            f"{wanted} Kafka node(s) should answer at {self.bootstrap_servers} within {_START_TIMEOUT_S:g} s, but "
            f"{len(dead)} ended{said or ' and none answers'}; the logs are in {self.data_dir}"
        )


def run_local_broker(
    nodes: int = 1,
    data_dir: Path | None = None,
    on_ready: Callable[[LocalKafka], None] | None = None,
    port: int | None = None,
) -> None:
    """Run a local cluster until SIGTERM or SIGINT; call it from the main thread.

    Parameters
    ----------
    on_ready : callable, optional
        Called once with the cluster when it answers: print `bootstrap_servers`.

    Raises
    ------
    BrokerUnavailable
        When a node ends by itself; and what `LocalKafka` raises.
    """
    with _stopped_by_signal() as stopped, LocalKafka(nodes, data_dir, port) as broker:
        if on_ready is not None:
            on_ready(broker)
        while not stopped.is_set():  # not `wait`: `set` in a signal handler of this thread would lock up inside it
            time.sleep(_WATCH_S)
            dead = [node for node in broker.nodes if not node.running]
            if dead:
                raise BrokerUnavailable(
                    f"a Kafka node should run until it is stopped, but ended; its log {dead[0].log} ends with: "
                    f"{dead[0].last_words()}"
                )


@contextlib.contextmanager
def _stopped_by_signal() -> Iterator[threading.Event]:
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopped
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def _new_cluster_id() -> str:
    """A random id in Kafka's own form: 22 characters, the first no dash, which its tools would take for an option."""
    text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return f"A{text[1:]}"


def _answers(address: str, nodes: int) -> bool:
    """Whether the node at this address knows a cluster of that many nodes; takes half a second when it does not."""
    asked_at = time.monotonic()
    with contextlib.suppress(KafkaException):
        admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
        if len(admin.list_topics(timeout=_ASK_S).brokers) >= nodes:
            return True
    time.sleep(max(0.0, _ASK_S - (time.monotonic() - asked_at)))
    return False


def _addresses(nodes: int, port: int | None) -> Addresses:
    """Ports for clients and for controllers; free ones are held open together so that all differ."""
    with contextlib.ExitStack() as held:

        def taken(number: int) -> int:
            one = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind(("127.0.0.1", number))
            except OSError as problem:
                raise PortOccupied(
                    f"Kafka should listen on 127.0.0.1:{number}, but {problem.strerror}; choose another port (--port)"
                ) from problem
            return int(one.getsockname()[1])

        clients = tuple(taken(0 if port is None else port + index) for index in range(nodes))
        return Addresses(clients, tuple(taken(0) for _ in range(nodes)))
