"""A group member in a process of its own, so that it can be killed: copies records to samples, key by key.

    python copier.py '{"settings": {...}, "member": "a", "batch_size": 50, "step_s": 0.0, "freeze_at": 0}'

Prints one JSON line with its counters when SIGTERM ended it cleanly. `freeze_at: n` stops the process (SIGSTOP, as a
long pause of the machine would) in its n-th step, which then takes `thaw_s` seconds more. Its copies are its name,
filled up with blanks to `output_bytes`.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

from ccit.errors import CcitError
from consumers.kafka.at_least_once import AtLeastOnce
from consumers.kafka.batches import BatchLimits, BatchLoop
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.exactly_once import ExactlyOnce
from consumers.kafka.messages import KafkaMessage, Output
from consumers.kafka.topics import Topics


def run(job: dict[str, Any]) -> None:
    settings = KafkaSettings(**job["settings"])
    topics = Topics(settings.prefix)
    steps = 0
    value = job["member"].encode().ljust(job.get("output_bytes", 0))

    def step(messages: Sequence[KafkaMessage]) -> list[Output]:
        nonlocal steps
        steps += 1
        time.sleep(job.get("step_s", 0.0))
        if steps == job.get("freeze_at", 0):
            os.kill(os.getpid(), signal.SIGSTOP)
            time.sleep(job.get("thaw_s", 0.0))
        return [Output(topics.samples.name, m.key, value) for m in messages]

    loop = BatchLoop(
        settings,
        "copy",
        [topics.records.name],
        step,
        ExactlyOnce(settings, f"copy-{job['member']}") if settings.transactions else AtLeastOnce(settings),
        limits=BatchLimits(batch_size=job.get("batch_size", 50), linger_ms=50, step_s=math.inf),
    )
    signal.signal(signal.SIGTERM, lambda *_: loop.stop())
    loop.run()
    sys.stdout.write(json.dumps(dataclasses.asdict(loop.counters)) + "\n")


if __name__ == "__main__":
    try:
        run(json.loads(sys.argv[1]))
    except CcitError as problem:
        sys.exit(f"{type(problem).__name__}: {problem}")
