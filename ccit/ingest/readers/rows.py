"""Instruction rows, one to a message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from ccit.ingest.framing import unframed, with_framing
from ccit.ingest.rows import parse_row, record_from_row
from ccit.plugins import PluginSettings, plugin
from ccit.ports.ingest import RawMessage, ReaderContext
from ccit.records import Record

TYPES = ("", "application/json", "application/x-ndjson")


@plugin("reader")
class RowReader:
    """Reads one instruction row in JSON from a message, and anything that says nothing about its type.

    Example
    -------
    >>> reader = RowReader(RowReader.Settings(), ReaderContext(max_bytes=1000))
    >>> row = b'{"id": "7", "source": "ward", "instruction": "Why?", "output": "Because."}'
    >>> [record.record_id for record in reader.records(RawMessage("application/json", row, received_at=0.0))]
    ['ward:7']
    """

    fallback: ClassVar[bool] = True

    class Settings(PluginSettings):
        """Nothing to set: the largest message is `ingest.max_bytes`."""

        kind: Literal["rows"] = "rows"

    def __init__(self, settings: Settings, context: ReaderContext) -> None:
        self._max_bytes = context.max_bytes

    def accepts(self, content_type: str, head: bytes) -> bool:
        """JSON, or no type at all."""
        return content_type in TYPES

    def records(self, message: RawMessage) -> Iterator[Record]:
        """The one record; a schema registry's framing before it is stripped and noted. Raises `InputError`."""
        value, framing = unframed(message.value)
        record = record_from_row(parse_row(value, self._max_bytes), message.received_at)
        yield with_framing(record, framing)
