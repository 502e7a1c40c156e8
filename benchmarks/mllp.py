"""How many messages `ccit mllp` takes: reports of 3 kB into a local Apache Kafka, each acknowledged after delivery.

    python -m benchmarks.mllp [--seconds 10]

The listener is a process of its own, as a user runs it; senders, in another, send a message, wait for its answer and
send the next. Broker, listener and senders share the machine. Prints a Markdown table by the number of senders.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from consumers.broker.local import LocalKafka
from consumers.kafka.topic_creation import create_topics

SENDERS = (1, 8, 32, 128)
_TEXT = "The lungs are clear, the heart is of normal size. No effusion, no pneumothorax, no fracture is seen. "
BYTES = 3000


def report(control_id: str, patient: int) -> bytes:
    """An ORU^R01 of 3 kB in its frame."""
    head = f"MSH|^~\\&|LAB|NORTH|EHR|SOUTH|20260314||ORU^R01|{control_id}|P|2.5\rPID|1||{patient}^^^H||Roe^Ann\r"
    head += f"OBR|1||{control_id}|24^CHEST XRAY|||20260314\rOBX|1|TX|||"
    text = _TEXT * (BYTES // len(_TEXT) + 1)
    return b"\x0b" + (head + text[: BYTES - len(head) - 9] + "||||||F\r").encode() + b"\x1c\r"


@contextmanager
def listening(bootstrap: str, folder: Path) -> Iterator[tuple[psutil.Process, int]]:
    """`ccit mllp` and its port."""
    environment = {
        **os.environ,
        "CCIT_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
        "CCIT_KAFKA__PREFIX": "bench.",
        "CCIT_MLLP__PORT": "0",
    }
    log = folder / "mllp.log"
    with log.open("wb") as file:
        process = subprocess.Popen([sys.executable, "-m", "ccit.cli.main", "mllp"], stderr=file, env=environment)
    try:
        while (found := re.search(r"MLLP on \S+:(\d+)", log.read_text("utf-8"))) is None:
            if process.poll() is not None:
                raise SystemExit(log.read_text("utf-8"))
            time.sleep(0.05)
        yield psutil.Process(process.pid), int(found[1])
    finally:
        process.terminate()
        process.wait(30.0)


async def sender(port: int, name: int, until: float, took: list[float]) -> None:
    """Sends until the time is over; the seconds of each message."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    number = 0
    while (began := time.perf_counter()) < until:
        writer.write(report(f"{name}-{number}", name * 1000 + number % 50))
        answer = await reader.readuntil(b"\x1c\r")
        if b"MSA|AA|" not in answer:
            raise SystemExit("a message was refused")
        took.append(time.perf_counter() - began)
        number += 1
    writer.close()


async def measured(port: int, senders: int, seconds: float) -> list[float]:
    """The seconds of each acknowledged message."""
    took: list[float] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(sender(port, name, until, took) for name in range(senders)))
    return sorted(took)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    seconds: float = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder, LocalKafka() as kafka:
        create_topics(kafka.settings("bench."))
        with listening(kafka.settings("bench.").bootstrap_servers, Path(folder)) as (listener, port):
            asyncio.run(measured(port, 8, 1.0))  # warm
            print("| senders | messages/s | median, ms | 99 %, ms | CPU of the listener |")
            print("|---:|---:|---:|---:|---:|")
            for senders in SENDERS:
                spent = sum(listener.cpu_times()[:2])
                took = asyncio.run(measured(port, senders, seconds))
                share = (sum(listener.cpu_times()[:2]) - spent) / seconds
                median, late = took[len(took) // 2], took[len(took) * 99 // 100]
                print(
                    f"| {senders} | {len(took) / seconds:,.0f} | {median * 1000:.1f} | {late * 1000:.1f} "
                    f"| {share:.0%} of a core |"
                )
            held = listener.memory_info().rss // 1024**2
            print(f"\n{len(report('1', 1)):,} bytes a frame; the listener holds {held} MiB")


if __name__ == "__main__":
    main()
