"""Rows inside CloudEvents in structured mode: one event, or a batch of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from ccit.errors import InputError
from ccit.ingest.content import decoded
from ccit.ingest.rows import record_from_row, require_row
from ccit.ingest.strict import parse_strict
from ccit.plugins import PluginSettings, plugin
from ccit.ports.ingest import RawMessage, ReaderContext
from ccit.records import Record

_ONE = "application/cloudevents+json"
_MANY = "application/cloudevents-batch+json"
_JSON = ("", "application/json")


@plugin("reader")
class CloudEventsReader:
    """Reads rows that are the data of CloudEvents (JSON format, version 1.0), one or a batch.

    What the row itself does not say, the event does: `id`, `source`, `subject`.

    References: CloudEvents 1.0.2, JSON event format, sections 3 and 4.

    Example
    -------
    >>> reader = CloudEventsReader(CloudEventsReader.Settings(), ReaderContext(max_bytes=1000))
    >>> event = (b'{"specversion": "1.0", "type": "row", "source": "ward", "id": "7",'
    ...          b' "data": {"instruction": "Why?", "output": "Because."}}')
    >>> message = RawMessage("application/cloudevents+json", event, received_at=0.0)
    >>> [record.record_id for record in reader.records(message)]
    ['ward:7']
    """

    fallback: ClassVar[bool] = False

    class Settings(PluginSettings):
        """Nothing to set: the largest message is `ingest.max_bytes`."""

        kind: Literal["cloud_events"] = "cloud_events"

    def __init__(self, settings: Settings, context: ReaderContext) -> None:
        self._max_bytes = context.max_bytes

    def accepts(self, content_type: str, head: bytes) -> bool:
        """By its type alone: a row may have a column of any name."""
        return content_type in (_ONE, _MANY)

    def records(self, message: RawMessage) -> Iterator[Record]:
        """A record for each event, the first of those with one name. Raises `InputError`."""
        value = message.value or b""
        if len(value) > self._max_bytes:
            raise InputError("too_large", f"expected at most {self._max_bytes} bytes, found {len(value)}; split it")
        read = parse_strict(message.value)
        events = read if message.content_type == _MANY else [read]
        if not isinstance(events, list):
            raise InputError("wrong_schema", "expected a batch of CloudEvents (a list), found another JSON value")
        rows = [require_row(_row_in(event)) for event in events]
        records = [record_from_row(row, message.received_at) for row in rows]
        first: dict[str, Record] = {}
        for record in records:
            first.setdefault(record.record_id, record)
        yield from first.values()


def _row_in(event: Any) -> dict[str, Any]:
    """The data of an event, with what the event says in its place."""
    if not isinstance(event, dict) or event.get("specversion") != "1.0":
        raise InputError("wrong_schema", "expected a CloudEvent with specversion 1.0, found another JSON value")
    data = event.get("data")
    if data is None and isinstance(event.get("data_base64"), str):
        data = parse_strict(decoded(event["data_base64"]))
    if not isinstance(data, dict):
        raise InputError("wrong_schema", "expected an instruction row as the CloudEvent's data, found none")
    said = {name: event[name] for name in ("id", "source", "subject") if isinstance(event.get(name), str)}
    return {**data, **{name: text for name, text in said.items() if data.get(name) in (None, "")}}
