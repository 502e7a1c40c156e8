"""What tests of the hospital's door share: its processes, what they write, and the look for planted words in it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from consumers.kafka.clients import KafkaSettings
from consumers.kafka.follower import Follower
from consumers.kafka.messages import KafkaMessage, Output
from consumers.kafka.topics import Topic

PLANTED = "QUZZ"
"""Each planted word begins with it; no word of a language or of this project does."""


@contextmanager
def door(config: Path, *roles: str) -> Iterator[None]:
    """`ccit ROLE` for each, which end well when they are asked to; what they say is in `ROLE.log` beside the file."""
    with ExitStack() as all_of_them:
        for role in roles:
            all_of_them.enter_context(_running(config, role))
        yield


@contextmanager
def _running(config: Path, role: str) -> Iterator[None]:
    command = [sys.executable, "-m", "ccit.cli.main", "-vv", role, "--config", str(config), "--instance", "0"]
    with (config.parent / f"{role}.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(30.0) == 0
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def written(settings: KafkaSettings, *topics: Topic) -> list[KafkaMessage]:
    """All that is in these topics."""
    found: list[KafkaMessage] = []
    for topic in topics:
        with Follower(settings, topic) as reader:
            found += reader.catch_up()
    return found


def more(seen: list[KafkaMessage], *followers: Follower) -> list[KafkaMessage]:
    """`seen`, and what has come since."""
    seen += [message for follower in followers for message in follower.poll(0.05)]
    return seen


def text_of(message: KafkaMessage | Output) -> str:
    """Key, headers and value; its `repr` shows none of them."""
    in_headers = (part for name, value in message.headers for part in (name.encode(), value or b""))
    return b"\n".join((message.key or b"", *in_headers, message.value or b"")).decode("utf-8", "replace")


def planted_in(*texts: str) -> list[str]:
    """Those that hold a planted word, in whatever case."""
    return [text for text in texts if PLANTED in text.upper()]
