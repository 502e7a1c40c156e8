"""What serializers of schema registries put before a message.

Confluent's wire format: a zero byte and the schema's number (4 bytes, big-endian), or a one and its GUID (16 bytes);
behind it the message in JSON, Avro or Protobuf. JSON never begins with either byte, so nothing else is mistaken for it.
"""

from __future__ import annotations

import uuid
from dataclasses import replace

from ccit.errors import InputError
from ccit.ingest.strict import BYTE_ORDER_MARK
from ccit.records import Record

_NUMBER, _GUID = b"\x00", b"\x01"


def unframed(value: bytes | None) -> tuple[bytes | None, str]:
    """A message without its framing, and the schema that it names; empty where there is no framing.

    Raises
    ------
    InputError
        `not_json`: there is no JSON behind it.

    >>> unframed(b'\\x00\\x00\\x00\\x00\\x11{"instruction": "Why?"}')
    (b'{"instruction": "Why?"}', 'schema 17')
    >>> unframed(b'{"instruction": "Why?"}')
    (b'{"instruction": "Why?"}', '')
    """
    if value is None or value[:1] not in (_NUMBER, _GUID):
        return value, ""
    size = 5 if value.startswith(_NUMBER) else 17
    if len(value) <= size:
        return value, ""
    head, rest = value[1:size], value[size:]
    if not rest.removeprefix(BYTE_ORDER_MARK).lstrip().startswith((b"{", b"[")):
        raise InputError(
            "not_json",
            "expected JSON, found bytes that begin like a schema registry's framing and go on without JSON: perhaps "
            "Avro or Protobuf, which is not read; have the producer write JSON",
        )
    named = str(int.from_bytes(head, "big")) if size == 5 else str(uuid.UUID(bytes=head))
    return rest, f"schema {named}"


def with_framing(record: Record, framing: str) -> Record:
    """The record, with the schema that its message named noted in `meta.framing`; named and dated as without it."""
    if not framing:
        return record
    meta = record.body.get("meta") or {}
    return replace(record, body={**record.body, "meta": {**meta, "framing": framing}})
