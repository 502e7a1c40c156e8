"""One Apache Kafka process: its properties, its life and its log. `local.py` makes a cluster of them."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ccit.errors import BrokerUnavailable
from ccit.store.private import open_private
from consumers.kafka.clients import MAX_MESSAGE_BYTES
from consumers.orphans import die_with_parent

_STOP_TIMEOUT_S = 15.0  # a clean stop takes 1 to 3 s; a node without its quorum never ends by itself
_FORMAT_TIMEOUT_S = 60.0
_BATCH_OVERHEAD_BYTES = 64 * 1024  # a record batch around the largest message

JAVA_OPTIONS = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
"""Half a gigabyte is ample; one collector thread and the quick compiler start sooner and leave the cores alone."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where each node listens on 127.0.0.1, in order of node id (1, 2, ...)."""

    clients: tuple[int, ...]
    controllers: tuple[int, ...]


def properties(node_id: int, addresses: Addresses, log_dir: Path, extra: Mapping[str, str]) -> str:
    """The node's server.properties.

    Every node is broker and controller, so that any one of three may die. Timeouts are those of a laptop: a consumer
    that vanished is missed after 6 s (45 s by default), a broker after 3 s, an abandoned transaction soon after its own
    timeout.
    """
    count = len(addresses.clients)
    client, controller = addresses.clients[node_id - 1], addresses.controllers[node_id - 1]
    copies = "3" if count >= 3 else "1"
    quorum = "2" if count >= 3 else "1"
    voters = ",".join(f"{number}@127.0.0.1:{port}" for number, port in enumerate(addresses.controllers, 1))
    lines = {
        "process.roles": "broker,controller",
        "node.id": str(node_id),
        "controller.quorum.voters": voters,
        "listeners": f"PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dir": str(log_dir),
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": quorum,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": quorum,
        "transaction.state.log.num.partitions": "8",
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": quorum,
        "group.initial.rebalance.delay.ms": "0",
        "group.consumer.min.session.timeout.ms": "6000",
        "group.consumer.session.timeout.ms": "6000",
        "group.consumer.min.heartbeat.interval.ms": "500",
        "group.consumer.heartbeat.interval.ms": "500",
        "broker.session.timeout.ms": "3000",
        "message.max.bytes": str(MAX_MESSAGE_BYTES + _BATCH_OVERHEAD_BYTES),
        "replica.fetch.max.bytes": str(MAX_MESSAGE_BYTES + _BATCH_OVERHEAD_BYTES),
        "log.cleaner.dedupe.buffer.size": "1048577",
        **extra,
    }
    return "".join(f"{key}={value}\n" for key, value in lines.items())


class Node:
    """One broker process; its data and log survive a stop or a kill.

    Parameters
    ----------
    home : Path
        Folder of this node: `server.properties`, `data/`, `broker.log`.
    command : sequence of str
        Java with its class path, up to the name of the main class.
    """

    def __init__(self, home: Path, command: Sequence[str]) -> None:
        self.home = home
        self.log = home / "broker.log"
        self._command = list(command)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The process, if it was started."""
        return self._process.pid if self._process is not None else None

    def format(self, cluster_id: str) -> None:
        """Prepare the data folder once; a folder that is prepared stays as it is.

        Raises
        ------
        BrokerUnavailable
            When Kafka's own tool refuses.
        """
        if (self.home / "data" / "meta.properties").is_file():
            return
        tool = ["kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self.home / "server.properties")]
        done = subprocess.run(
            [*self._command, *tool], capture_output=True, text=True, check=False, timeout=_FORMAT_TIMEOUT_S
        )
        if done.returncode != 0:
            raise BrokerUnavailable(
                f"Apache Kafka should have prepared {self.home}, but said: {_last_line(done.stderr or done.stdout)}; "
                "empty the folder or choose another"
            )

    def start(self) -> None:
        """Start the process; it dies with the thread that called this, even by kill -9."""
        with open_private(self.log, "ab") as log:
            self._process = subprocess.Popen(
                [*self._command, "kafka.Kafka", str(self.home / "server.properties")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us: the consumers finish before their broker goes
                preexec_fn=die_with_parent(signal.SIGKILL),
            )

    def stop(self) -> None:
        """End the process cleanly (SIGTERM); one that does not end is killed."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the process as a power cut would (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def last_words(self) -> str:
        """The last line of the log, for an error message."""
        return _last_line(self.log.read_text("utf-8", "replace")) if self.log.is_file() else "nothing"


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("\tat ", "Caused by"))]
    return lines[-1][:300] if lines else "nothing"
