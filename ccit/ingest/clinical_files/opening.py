"""A file unpacked by its content, whatever its name, and what it is."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal, cast

import orjson

from ccit.ingest.strict import BYTE_ORDER_MARK

Form = Literal["hl7v2", "lines", "json", ""]
"""`lines` is FHIR as NDJSON, `json` one value of FHIR; empty for anything else."""

UNPACKING = (gzip.BadGzipFile, EOFError, zlib.error)
"""What a damaged archive raises while it is read."""

_GZIP = b"\x1f\x8b"
_REST_BYTES = 64 * 1024  # after the first line
_HL7 = re.compile(rb"[\x0b\x1c\s]*(MSH|FHS|BHS)[^\w\s]")
_RESOURCE = re.compile(rb'"resourceType"\s*:')


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file: its unpacked bytes, and how many bytes of it were read as it lies on disk."""

    stream: BinaryIO = field(repr=False)
    at: Callable[[], int] = field(repr=False)


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """The file, unpacked where it is gzip. Raises `OSError`; reading it may raise one of `UNPACKING`."""
    with path.open("rb") as raw:
        packed = raw.peek(2)[:2] == _GZIP
        stream = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if packed else raw
        with stream:
            yield Opened(stream, lambda: raw.tell() if not raw.closed else 0)


def form_of(path: Path, max_bytes: int) -> Form:
    """What a file holds, by its first lines. Raises `OSError`; a damaged archive is nothing known.

    Parameters
    ----------
    max_bytes : int
        Longest line that is looked at.
    """
    first, rest = _beginning(path, max_bytes)
    if _HL7.match(first):
        return "hl7v2"
    if not first.lstrip().startswith((b"{", b"[")) or not (_RESOURCE.search(first) or _RESOURCE.search(rest)):
        return ""
    if len(first) >= max_bytes:
        return "lines" if rest.lstrip().startswith(b"{") else "json"
    resource = _object(first) if rest.strip() else None
    return "json" if resource is None else "lines" if "resourceType" in resource else ""


def _beginning(path: Path, max_bytes: int) -> tuple[bytes, bytes]:
    """The first line that is not blank, as far as a message may go, and what stands behind its end."""
    first = rest = b""
    with opened(path) as file, suppress(*UNPACKING):
        while not first.strip() and (line := file.stream.readline(max_bytes)):
            first = line.removeprefix(BYTE_ORDER_MARK)
        line = first
        while line and not line.endswith(b"\n"):
            line = file.stream.readline(_REST_BYTES)
        rest = b"{"  # where the archive ends here
        rest = file.stream.read(_REST_BYTES)
    return first, rest


def _object(line: bytes) -> dict[str, object] | None:
    try:
        read = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return read if isinstance(read, dict) else None
