"""What messages cost each reader, measured in a process of its own: `python -m tests.poison.measured` prints JSON.

Each case runs in a fork, so that none is charged for, or spared by, the memory of another.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import orjson

from ccit.bounds import ALWAYS_AFFORDABLE_BYTES, FACTOR, _weigh, require_affordable
from ccit.config import Config
from ccit.errors import InputError
from ccit.events import NAMES, decode
from ccit.serving.protocol import MAX_BODY_BYTES, ChatRequest, CompletionRequest, parse
from ccit.serving.refusals import RequestRefused
from consumers.ingest import IngestStep
from consumers.kafka.messages import KafkaMessage

LARGEST_EVENT = 16_000_000  # bytes: what the topics take
MAX_ROW_BYTES = Config().ingest.max_bytes
UNITS = (b"0", b'"\xc3\xa9"', b'{"a":1}', b"[[[]]]")  # the costliest of their kinds


def array(unit: bytes, size: int) -> bytes:
    """A list of one value again and again, so many bytes long."""
    return b"[" + b",".join([unit] * (size // (len(unit) + 1))) + b"]"


def affordable(unit: bytes, size: int) -> bytes:
    """The same with as many values as just pass, and a text that fills the rest."""
    weight = _weigh(unit + b",")
    count = min(max(ALWAYS_AFFORDABLE_BYTES, FACTOR * size) // weight - 20, size // (len(unit) + 1) - 20)
    values = b",".join([unit] * count)
    return b"[" + values + b',"' + b"x" * (size - len(values)) + b'"]'


def event(name: str) -> Callable[[bytes], object]:
    return lambda value: decode(value, [("ce_type", f"ccit.{name}".encode())])


def cases() -> Iterator[tuple[str, int, Callable[[], object]]]:
    """Name, size (bytes) and the call."""
    for unit in UNITS:
        for form in (array, affordable):
            for what, value, read in _messages(partial(form, unit)):
                yield f"{what}, {form.__name__} of {unit.decode()}", len(value), partial(read, value)


def _messages(filled: Callable[[int], bytes]) -> Iterator[tuple[str, bytes, Callable[[bytes], object]]]:
    values = filled(LARGEST_EVENT)
    yield "an event", b'{"decision":{"scores":' + values + b"}}", event("sample-admitted.v1")
    named = b'"record_id":"r","subject":"s","source":"w","received_at":0'
    yield "a record", b'{"record":{' + named + b',"body":{"a":' + values + b"}}}", event("record-received.v1")
    row = b'{"id":1,"instruction":"a","output":"b","meta":{"a":' + filled(MAX_ROW_BYTES - 100) + b"}}"
    yield "a row", row, lambda value: IngestStep(Config(), clock=lambda: 0.0)([KafkaMessage("t", 0, 0, b"k", value)])
    values = filled(MAX_BODY_BYTES - 100)
    for field in ("messages", "prompt"):
        body = b'{"model":"ccit","' + field.encode() + b'":' + values + b"}"
        yield field, body, partial(parse, CompletionRequest) if field == "prompt" else partial(parse, ChatRequest)


def cost(call: Callable[[], object]) -> tuple[int, float]:
    """Bytes of memory that a call needed at its peak, and its seconds of processor time."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before, began = _status("VmRSS"), time.process_time()
        with suppress(InputError, RequestRefused):
            call()
        os.write(writing, orjson.dumps([_status("VmHWM") - before, time.process_time() - began]))
        os._exit(0)
    os.wait()
    needed, seconds = orjson.loads(os.read(reading, 100))
    os.close(reading)
    os.close(writing)
    return needed, seconds


def _status(name: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


def warm_up() -> None:
    """Validators are made, and modules imported, once, whatever comes: no message is charged for them."""
    for name in NAMES:
        with suppress(InputError):
            event(name)(b"{}")
    with suppress(InputError):
        require_affordable(b"[0]", always=0)
    for _, value, read in _messages(lambda _: b"[0]"):
        with suppress(InputError, RequestRefused):
            read(value)


def main() -> None:
    warm_up()
    json.dump([[name, size, *cost(call)] for name, size, call in cases()], sys.stdout)


if __name__ == "__main__":
    main()
