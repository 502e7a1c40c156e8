"""The local Kafka's life: data that outlives it, parents that die, ports that are taken, nodes that are killed."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from confluent_kafka.admin import AdminClient

from ccit.errors import BrokerUnavailable, PortOccupied
from consumers.broker.local import LocalKafka
from consumers.kafka.clients import KafkaSettings, client_config, producer, require_broker
from consumers.kafka.follower import Follower
from consumers.kafka.topic_creation import create_topics
from consumers.kafka.topics import Topic, Topics

if TYPE_CHECKING:
    from tests.integration.kafka.conftest import CopyTrial

_RUN = """
import sys
from pathlib import Path
from consumers.broker.local import run_local_broker
run_local_broker(1, Path(sys.argv[1]), lambda broker: print(broker.nodes[0].pid, broker.bootstrap_servers, flush=True))
"""


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_data_outlives_a_stop_and_the_broker_its_killed_parent_does_not(
    tmp_path: Path, until: Callable[[Callable[[], bool], str], None]
) -> None:
    process = subprocess.Popen([sys.executable, "-c", _RUN, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid, address = process.stdout.readline().split()
    topic = write_one(KafkaSettings(address))
    process.terminate()
    assert process.wait(60) == 0
    assert gone(int(pid))

    process = subprocess.Popen([sys.executable, "-c", _RUN, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid, address = process.stdout.readline().split()
    with Follower(KafkaSettings(address), topic) as follower:
        assert [message.value for message in follower.catch_up()] == [b"kept"]
    process.kill()
    process.wait()
    until(lambda: gone(int(pid)), "the broker died with its parent")


def write_one(settings: KafkaSettings) -> Topic:
    create_topics(settings)
    topic = Topics(settings.prefix).commands
    client = producer(settings)
    client.produce(topic.name, value=b"kept", partition=0)
    assert client.flush(30.0) == 0
    return topic


def test_occupied_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortOccupied, match=f"127.0.0.1:{port}, but Address already in use"):
            LocalKafka(data_dir=tmp_path, port=port)


def test_a_node_that_ends_says_why(tmp_path: Path) -> None:
    with pytest.raises(BrokerUnavailable, match=r"broker.log ends with: .*no\.such\.class"):
        LocalKafka(data_dir=tmp_path, extra={"authorizer.class.name": "no.such.class"}).__enter__()


def test_no_broker_is_one_sentence() -> None:
    with pytest.raises(BrokerUnavailable, match="ccit broker"):
        require_broker(KafkaSettings("127.0.0.1:1"), timeout_s=1.0)


def test_three_nodes_outlive_the_coordinator(new_trial: Callable[[KafkaSettings], CopyTrial]) -> None:
    """The group's coordinator is killed while a member copies: nothing lost, nothing twice, no wait for its return."""
    with LocalKafka(nodes=3) as broker:
        trial = new_trial(broker.settings("three."))
        create_topics(trial.settings, replication=3)
        member = trial.start("a", batch_size=10)
        keys = trial.publish(100)
        trial.await_some(20)
        coordinator = coordinator_of(trial.settings, "three.copy")
        broker.kill(coordinator)
        keys += trial.publish(100, first=100)
        trial.await_copies(keys)
        broker.restart(coordinator)
        keys += trial.publish(100, first=200)
        trial.await_copies(keys)
        trial.finish(member)
        assert trial.copied() == Counter(keys)


def coordinator_of(settings: KafkaSettings, group: str) -> int:
    admin = AdminClient(client_config(settings))
    return int(admin.describe_consumer_groups([group])[group].result().coordinator.id)
