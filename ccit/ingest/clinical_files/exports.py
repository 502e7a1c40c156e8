"""FHIR files in bounded memory: NDJSON line by line, a large Bundle entry by entry; each resource with its context."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any, BinaryIO

import ijson
import orjson

from ccit.bounds import FACTOR, inside
from ccit.errors import InputError
from ccit.ingest.clinical_files.context import Context
from ccit.ingest.clinical_files.opening import Opened
from ccit.ingest.clinical_files.pieces import Piece
from ccit.ingest.fhir.documents import DRAFTS, patient_of
from ccit.ingest.fhir.resource_types import type_shown
from ccit.ingest.fhir.resources import Entry, entries_in, targets_of
from ccit.ingest.strict import BYTE_ORDER_MARK

TYPE = "application/fhir+json"
_CHUNK = 64 * 1024
_FRAME_BYTES = 200  # of a Bundle without its entries

Found = tuple[str, Entry | bytes | InputError]
"""A place in the file, and what is there: a resource, bytes that are none, or why reading ended."""


def entries_of_lines(file: Opened, max_bytes: int) -> Iterator[Found]:
    """The resources of NDJSON; a line that cannot be read comes as its bytes."""
    number = 0
    while line := file.stream.readline(max_bytes + 1):
        number += 1
        place = f"line {number}"
        if len(line) > max_bytes:
            while line and not line.endswith(b"\n"):
                line = file.stream.readline(_CHUNK)
            yield place, too_large("line", max_bytes)
        elif line.strip():
            yield from _read(place, line, max_bytes)


def entries_of_value(file: Opened, max_bytes: int) -> Iterator[Found]:
    """The resources of one JSON value; of one that is larger than a message may be, the entries one by one."""
    head = file.stream.read(max_bytes + 1)
    if len(head) <= max_bytes:
        for number, (_, found) in enumerate(_read("", head, max_bytes), start=1):
            yield f"entry {number}", found
        return
    path = "item" if head.removeprefix(BYTE_ORDER_MARK).lstrip().startswith(b"[") else "entry.item"
    number = 0
    try:
        for number, item in enumerate(_items(_Metered(head, file.stream, max_bytes), path), start=1):
            yield from _of_item(f"entry {number}", item, max_bytes)
    except InputError as error:
        yield f"entry {number + 1}", error
    except (ijson.JSONError, UnicodeDecodeError):
        yield (
            f"entry {number + 1}",
            InputError("not_json", "expected JSON in UTF-8, found something else; export it again"),
        )
    else:
        if not number:
            yield "", too_large("resource", max_bytes)


def piece_of(place: str, found: Entry | bytes | InputError, context: Context, max_bytes: int) -> Piece:
    """What is to be sent of one place in a file: nothing for what is no document."""
    if isinstance(found, InputError):
        return Piece(place, fault=found)
    if isinstance(found, bytes):
        fits = len(found) <= max_bytes
        return (
            Piece(place, value=found, content_type=TYPE) if fits else Piece(place, fault=too_large("entry", max_bytes))
        )
    if found.deletes:
        entry = {"request": {"method": "DELETE", "url": found.deletes}}
        return Piece(place, type_shown(found.deletes.partition("/")[0]), _bundle("transaction", [entry]), TYPE)
    kind = type_shown(found.resource.get("resourceType"))
    if kind not in DRAFTS:
        return Piece(place, kind)
    try:
        value = _message(found, context, max_bytes)
    except InputError as error:
        return Piece(place, kind, fault=error)
    return Piece(place, kind, value, TYPE, next(reversed(list(targets_of(patient_of(found.resource)))), ""))


def _message(entry: Entry, context: Context, max_bytes: int) -> bytes:
    """A Bundle of the resource and of what it refers to, as much as one message holds; people come first."""
    own: dict[str, Any] = {"fullUrl": entry.full_url, "resource": entry.resource}
    entries: list[Any] = [own if entry.full_url else {"resource": entry.resource}]
    room = max_bytes - len(orjson.dumps(entries)) - _FRAME_BYTES
    if room < 0:
        raise too_large("resource", max_bytes)
    for beside in context.beside(entry.resource):
        size = len(orjson.dumps(beside)) + 1
        if beside["resource"] != entry.resource and size <= room:
            entries.append(beside)
            room -= size
    return _bundle("collection", entries)


def _bundle(kind: str, entries: list[Any]) -> bytes:
    return orjson.dumps({"resourceType": "Bundle", "type": kind, "entry": entries})


def _read(place: str, value: bytes, max_bytes: int) -> Iterator[Found]:
    try:
        entries = entries_in(value, FACTOR * max_bytes)
    except InputError:
        yield place, value.strip()
        return
    yield from ((place, entry) for entry in entries)


def _of_item(place: str, item: Any, max_bytes: int) -> Iterator[Found]:
    """An item of a list, or an entry of a Bundle: written again, so that it is read as strictly as any message."""
    if _is_ambiguous(item):
        yield (
            place,
            InputError("not_json", "expected each name once in a JSON object, found one repeated; export it again"),
        )
        return
    wrapped = item if isinstance(item, dict) and "resourceType" in item else {"resourceType": "Bundle", "entry": [item]}
    try:
        value = orjson.dumps(wrapped, default=_number)
    except (TypeError, ValueError):  # deeper than any writer goes, a number of more than 64 bits, half a character
        yield place, InputError("not_json", "expected an entry that can be written as JSON again, found another")
        return
    yield from _read(place, value, max_bytes)


def _number(value: Any) -> float:
    if not isinstance(value, Decimal) or abs(number := float(value)) == float("inf"):
        raise TypeError
    return number


class _Object(dict[str, Any]):
    """Remembers that a name came twice: `ijson` would keep the last, and cannot be stopped from inside."""

    __slots__ = ("repeated",)

    def __init__(self) -> None:
        super().__init__()
        self.repeated = False

    def __setitem__(self, key: str, value: Any) -> None:
        self.repeated = self.repeated or key in self
        super().__setitem__(key, value)


def _is_ambiguous(item: Any) -> bool:
    """Whether a name stands twice in any object of it."""
    level = [item]
    while level:
        if any(isinstance(node, _Object) and node.repeated for node in level):
            return True
        level = [inner for node in level for inner in inside(node)]
    return False


def _items(file: _Metered, path: str) -> Iterator[Any]:
    for item in ijson.items(file, path, map_type=_Object, buf_size=_CHUNK):
        yield item
        file.since = 0


class _Metered:
    """What `ijson` reads from; it refuses to go on when one entry grows beyond the largest message."""

    def __init__(self, head: bytes, rest: BinaryIO, max_bytes: int) -> None:
        self._head = memoryview(head)
        self._rest: Callable[[int], bytes] = partial(rest.read)
        self._max_bytes = max_bytes
        self.since = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes; none are asked for without a size."""
        if size == 0:
            return b""
        if self.since > self._max_bytes + _CHUNK:
            raise too_large("entry", self._max_bytes)
        found = bytes(self._head[:size]) if self._head else self._rest(size)
        self._head = self._head[size:]
        self.since += len(found)
        return found


def too_large(what: str, max_bytes: int) -> InputError:
    """The refusal of a line, an entry, a message."""
    return InputError("too_large", f"expected at most {max_bytes} bytes in one {what}, found more; split it")
