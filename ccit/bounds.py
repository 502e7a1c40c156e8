"""What a message from outside may cost: JSON is weighed before it is parsed, and validated up to the first fault alone.

A message of a few megabytes can hold millions of values. Each costs far more in memory than on the wire: `{},` is 3
bytes there and 72 here. And pydantic, left to itself, describes every value that is wrong, at a kilobyte each.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import SchemaValidator

from ccit.errors import InputError

# Bytes, measured with orjson on CPython 3.11: 56 for a number with its place in a list, 76 to 85 for a short text that
# is not ASCII (machines differ in how full their pages get), 300 for an object that holds one value.
VALUE_BYTES = 60
MARK_BYTES = 16  # for each quotation mark: a text has two
CONTAINER_BYTES = 220

ALWAYS_AFFORDABLE_BYTES = 3_000_000
FACTOR = 3
"""What a message's values may need, as a multiple of its size, once that is more than `ALWAYS_AFFORDABLE_BYTES`. FHIR
resources of some size need 1 to 3, text less than 1. Who decodes, checks, hashes and writes a record holds two and a
half copies of it at a time: that makes less than ten times its size."""

MAX_DEPTH = 64
"""Lists and objects inside each other in what others write: readers and writers recurse. The deepest FHIR resources
nest about 20; the event around a row adds two, far from orjson's limit of 254."""


def require_affordable(value: bytes, always: int = ALWAYS_AFFORDABLE_BYTES) -> None:
    """Return when the parsed JSON will fit in memory. Looks at its structure, and needs at most 4 bytes per byte.

    Parameters
    ----------
    always : int
        What is allowed whatever the size of the value, bytes in memory.

    Raises
    ------
    InputError
        `too_large`: too many values for its size.

    >>> require_affordable(b'{"a": [1, 2]}')
    >>> require_affordable(b"[" + b"{}," * 300_000 + b"{}]")
    Traceback (most recent call last):
        ...
    ccit.errors.InputError: too_large: expected JSON of at most 3000000 bytes in memory, found 300001 ...; split it
    """
    allowed = max(always, FACTOR * len(value))
    if _weigh(value) <= allowed:  # as if no text held a comma: enough for nearly all
        return
    bare = _without_texts(value)
    if _weigh(bare) > allowed:
        containers = _containers(bare)
        raise InputError(
            "too_large",
            f"expected JSON of at most {allowed} bytes in memory, found {bare.count(b',') + 1} values in {containers} "
            "lists and objects; split it",
        )


def require_shallow(parsed: Any, max_depth: int = MAX_DEPTH) -> None:
    """Return when at most so many lists and objects stand inside each other.

    Raises
    ------
    InputError
        `not_json`.

    >>> require_shallow([[1], {"a": 2}], max_depth=2)
    """
    level, depth = [parsed], 1
    while level := [inner for node in level for inner in inside(node) if isinstance(inner, dict | list)]:
        depth += 1
        if depth > max_depth:
            raise InputError("not_json", f"expected JSON nested at most {max_depth} deep, found more; flatten it")


def inside(node: Any) -> Iterable[Any]:
    """What stands in a list or as the values of an object; nothing in another value."""
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


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


def _weigh(value: bytes) -> int:
    """Bytes that its values may need: each stands after a comma, or is the first in a list or an object."""
    containers = _containers(value)
    values = value.count(b",") + containers
    return VALUE_BYTES * values + CONTAINER_BYTES * containers + MARK_BYTES * value.count(b'"')


def _containers(value: bytes) -> int:
    return value.count(b"[") + value.count(b"{")


def _without_texts(value: bytes) -> bytes:
    """What stands outside of texts, and their quotation marks."""
    import numpy as np  # here: few messages come this far

    quoted = value.replace(b"\\\\", b"").replace(b'\\"', b"")  # the marks that are left begin and end a text
    characters = np.frombuffer(quoted, dtype=np.uint8)
    marks = characters == ord('"')
    kept = np.cumsum(marks, dtype=np.uint8)  # marks so far, modulo 256: odd within a text
    kept &= 1  # in place from here on: the value may be large
    kept ^= 1
    kept |= marks
    return characters[kept.view(np.bool_)].tobytes()
