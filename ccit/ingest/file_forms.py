"""What a whole file is when it is not JSONL: one sentence instead of a refusal for each of its lines.

A file that holds one readable row is let pass: what is wrong with its other lines is said line by line.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import orjson

from ccit.errors import ConfigError
from ccit.ingest.strict import BYTE_ORDER_MARK

_LOOKED_AT = 50  # lines, and
_LOOKED_AT_BYTES = 1_000_000  # bytes of each

# First bytes -> what it is, and what to do. Longer ones first: UTF-32 begins like UTF-16.
_BINARY: tuple[tuple[bytes, str, str], ...] = (
    (b"\xff\xfe\x00\x00", "a text in UTF-32", "save it as UTF-8"),
    (b"\x00\x00\xfe\xff", "a text in UTF-32", "save it as UTF-8"),
    (b"\xff\xfe", "a text in UTF-16", "save it as UTF-8"),
    (b"\xfe\xff", "a text in UTF-16", "save it as UTF-8"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first (gunzip)"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", "unpack it first (unzstd)"),
    (b"BZh", "a bzip2 archive", "unpack it first (bunzip2)"),
    (b"\xfd7zXZ\x00", "an xz archive", "unpack it first (unxz)"),
    (b"PK\x03\x04", "a zip archive or an Office document", "unpack it, or export its rows as JSONL"),
    (b"PAR1", "a Parquet file", "export its rows as JSONL"),
    (b"ARROW1", "an Arrow file", "export its rows as JSONL"),
    (b"SQLite format 3\x00", "an SQLite database", "export its rows as JSONL"),
    (b"%PDF", "a PDF document", "export its rows as JSONL"),
)


def require_lines_of_json(path: Path) -> None:
    """Return when something in a file may be a row, or when it is empty.

    Raises
    ------
    ConfigError
        It is a folder, packed, in another encoding, a JSON array, one object over many lines, CSV or plain text.
    OSError
        It cannot be read.
    """
    if path.is_dir():
        raise ConfigError(f"expected a JSONL file at {path}, but it is a folder; name the files in it")
    with path.open("rb") as file:
        lines = list(islice(iter(partial(file.readline, _LOOKED_AT_BYTES), b""), _LOOKED_AT))
        found = _other_form(lines, file)
    if found is not None:
        what, advice = found
        raise ConfigError(f"expected a JSONL file (one JSON object per line) at {path}, but it is {what}; {advice}")


def _other_form(lines: list[bytes], file: BinaryIO) -> tuple[str, str] | None:
    start = lines[0] if lines else b""
    for magic, what, advice in _BINARY:
        if start.startswith(magic):
            return what, advice
    filled = [stripped for line in lines if (stripped := line.removeprefix(BYTE_ORDER_MARK).strip())]
    if not filled:
        return None
    if filled[0].startswith(b"[") and not (_is_json(filled[0]) and len(filled) > 1) and _last_byte(file) == b"]":
        return "one JSON array", "write each of its objects on a line of its own (jq -c '.[]')"
    if any(line.startswith(b"{") and _is_json(line) for line in filled):
        return None
    if b"\0" in start[:64]:
        return "a binary file, or a text in UTF-16", "save its rows as JSONL in UTF-8"
    return _of_text(filled)


def _of_text(filled: list[bytes]) -> tuple[str, str] | None:
    """Nothing in the file is a row on its own line."""
    first, second = [*filled, b""][:2]
    if first == b"{" or (first.startswith(b"{") and second.startswith(b'"')):
        return "one JSON object over several lines", "write it on one line (jq -c .)"
    if any(line.startswith((b"{", b"[")) for line in filled):
        return None
    for mark, name in ((b"\t", "tab-separated table"), (b";", "CSV table"), (b",", "CSV table")):
        if len(filled) > 1 and first.count(mark) and all(line.count(mark) for line in filled[:3]):
            return f"a {name}", "export its rows as JSONL, with instruction and output as names"
    if first.startswith((b"MSH|", b"FHS|", b"BHS|")):
        return "HL7 v2", "write its rows as JSONL"
    if first.startswith(b"<"):
        return "XML or HTML", "write its rows as JSONL"
    return "text without a JSON object in it", "write each row as one JSON object on a line"


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _last_byte(file: BinaryIO) -> bytes:
    """The last byte that is not blank, of the last 4,096."""
    end = file.seek(0, 2)
    file.seek(max(0, end - 4096))
    return file.read().rstrip()[-1:]
