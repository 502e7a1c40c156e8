"""Poison that the Python client refuses to write: header names that are not UTF-8, and oversized batches.

Header names go through the C library inside the Python client, called by ctypes: there a name is any bytes, as it is
for every client built on it (C, Go, Rust, Node, .NET), and the broker looks at none.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import confluent_kafka
from confluent_kafka import Producer

from consumers.kafka.clients import KafkaSettings, client_config
from consumers.kafka.topics import Topic

_ERROR_BYTES = 512
_FLUSH_MS = 30_000
_COPY = 0x2  # RD_KAFKA_MSG_F_COPY
# rd_kafka_vtype_t: what follows in the arguments of rd_kafka_producev, up to 0
_TOPIC, _PARTITION, _VALUE, _KEY, _FLAGS, _HEADER = (ctypes.c_int(number) for number in (1, 3, 4, 5, 7, 9))

UNREADABLE_NAME = b"\xff\xfeA"


def produce_unreadable_header(
    settings: KafkaSettings, topic: Topic, value: bytes, *, key: bytes = b"key", partition: int = 0
) -> None:
    """Write one message with a header that the Python client can read, and one whose name it cannot decode."""
    library = _library()
    error = ctypes.create_string_buffer(_ERROR_BYTES)
    options = ctypes.c_void_p(library.rd_kafka_conf_new())
    servers = settings.bootstrap_servers.encode()
    assert library.rd_kafka_conf_set(options, b"bootstrap.servers", servers, error, _ERROR_BYTES) == 0, error.value
    client = ctypes.c_void_p(library.rd_kafka_new(0, options, error, _ERROR_BYTES))
    assert client.value, error.value
    try:
        refused = library.rd_kafka_producev(
            client,
            *(_TOPIC, ctypes.c_char_p(topic.name.encode())),
            *(_PARTITION, ctypes.c_int32(partition)),
            *(_VALUE, ctypes.c_char_p(value), ctypes.c_size_t(len(value))),
            *(_KEY, ctypes.c_char_p(key), ctypes.c_size_t(len(key))),
            *(_FLAGS, ctypes.c_int(_COPY)),
            *(_HEADER, ctypes.c_char_p(b"plain"), ctypes.c_char_p(b"v"), ctypes.c_ssize_t(1)),
            *(_HEADER, ctypes.c_char_p(UNREADABLE_NAME), ctypes.c_char_p(b"v"), ctypes.c_ssize_t(1)),
            ctypes.c_int(0),
        )
        assert refused == 0, refused
        assert library.rd_kafka_flush(client, _FLUSH_MS) == 0
    finally:
        library.rd_kafka_destroy(client)


def _library() -> ctypes.CDLL:
    """The very library that the Python client has loaded: it lies beside its package, or in the system."""
    beside = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
    found = [str(path) for path in beside.glob("*rdkafka*")]
    library = ctypes.CDLL(found[0] if found else "librdkafka.so.1")
    library.rd_kafka_conf_new.restype = ctypes.c_void_p
    library.rd_kafka_new.restype = ctypes.c_void_p
    return library


def produce_oversized_batch(
    settings: KafkaSettings, topic: Topic, *, count: int = 1, size: int = 120_000_000, partition: int = 0
) -> None:
    """Write one compressed batch of `count` messages of `size` zeros each; zstd makes some kilobytes of 120 MB."""
    client = Producer(
        client_config(settings)
        | {
            "compression.type": "zstd",
            "message.max.bytes": 1_000_000_000,
            "queue.buffering.max.kbytes": 2_000_000,
            "batch.size": 2**31 - 1,
            "linger.ms": 5_000,  # flush waits no longer for it: all go in one batch
        }
    )
    for _ in range(count):
        client.produce(topic.name, value=bytes(size), key=b"key", partition=partition)
    assert client.flush(60.0) == 0
