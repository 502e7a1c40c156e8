"""What a message from outside may cost: JSON is weighed before it is parsed, and validated up to the first fault alone.

A message of a few megabytes can hold millions of values. Each costs far more in memory than on the wire: `{},` is 3
bytes there and 72 here. And pydantic, left to itself, describes every value that is wrong, at a kilobyte each.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from pydantic_core import SchemaValidator

from ccit.errors import InputError

# Bytes, measured with orjson on CPython 3.11 and 3.12: 56 for a short text or a number with its place in a list or an
# object, 192 for an object that holds one value.
VALUE_BYTES = 60
CONTAINER_BYTES = 140

ALWAYS_AFFORDABLE_BYTES = 8_000_000
FACTOR = 6
"""What a message's values may need, as a multiple of its size, once that is more than `ALWAYS_AFFORDABLE_BYTES`. Dense
records (FHIR without blanks) need about 6; text needs less than 2."""


def require_affordable(value: bytes) -> None:
    """Return when the parsed JSON will fit in memory. Looks at its structure, and needs at most 6 bytes per byte.

    Raises
    ------
    InputError
        `too_large`: too many values for its size.

    >>> require_affordable(b'{"a": [1, 2]}')
    >>> require_affordable(b"[" + b"{}," * 300_000 + b"{}]")
    Traceback (most recent call last):
        ...
    ccit.errors.InputError: too_large: expected JSON of at most 8000000 bytes in memory, found 300001 ...; split it
    """
    allowed = max(ALWAYS_AFFORDABLE_BYTES, FACTOR * len(value))
    if _weight(*_counts(value)) <= allowed:  # as if no text held a comma: enough for nearly all
        return
    commas, containers = _counts(_without_texts(value))
    if _weight(commas, containers) > allowed:
        raise InputError(
            "too_large",
            f"expected JSON of at most {allowed} bytes in memory, found {commas + 1} values in {containers} lists and "
            "objects; split it",
        )


def stopping_at_first_fault(adapter: TypeAdapter[Any]) -> SchemaValidator:
    """A validator like the adapter's own that leaves a list or an object at its first wrong member.

    pydantic has this as a mark on each field (`FailFast`), which the nouns cannot carry: they know no library.
    """
    return SchemaValidator(_failing_fast(adapter.core_schema))


def _failing_fast(schema: Any) -> Any:
    """The same core schema with `fail_fast` wherever a collection is described."""
    if isinstance(schema, dict):
        copied = {key: _failing_fast(inner) if key != "metadata" else inner for key, inner in schema.items()}
        return {**copied, "fail_fast": True} if schema.get("type") in _COLLECTIONS else copied
    return [_failing_fast(inner) for inner in schema] if isinstance(schema, list) else schema


_COLLECTIONS = {"list", "tuple", "dict", "set", "frozenset"}


def _weight(commas: int, containers: int) -> int:
    return VALUE_BYTES * (commas + containers) + CONTAINER_BYTES * containers


def _counts(value: bytes) -> tuple[int, int]:
    """Commas, and lists and objects: every value stands after one of the first or is first in one of the second."""
    return value.count(b","), value.count(b"[") + value.count(b"{")


def _without_texts(value: bytes) -> bytes:
    """What stands outside of quotation marks."""
    import numpy as np  # here: few messages come this far

    quoted = value.replace(b"\\\\", b"").replace(b'\\"', b"")  # the marks that are left begin and end a text
    characters = np.frombuffer(quoted, dtype=np.uint8)
    marks_so_far = np.cumsum(characters == ord('"'), dtype=np.uint8)  # modulo 256: odd within a text
    return bytes(characters[marks_so_far % 2 == 0])
