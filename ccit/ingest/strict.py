"""JSON from outside, read more strictly than the standard asks: what could be understood in two ways is refused.

`parse_json` (orjson) refuses what is not JSON at all: NaN, infinities, lone surrogates, broken UTF-8. Three things it
lets through are refused here:

- *repeated names*: of `{"dose": "5 mg", "dose": "50 mg"}` orjson silently keeps the last. RFC 8259 (section 4) calls
  the outcome unpredictable, I-JSON (RFC 7493, section 2.3) forbids it; in a hospital's record nobody can know which
  was meant. Each member has one colon outside of texts: more colons than members are names that came twice.
- *depth*: writers recurse too. A row 255 deep is read but cannot be written again (orjson stops at 254, pydantic at
  255), so it would end the process that tries. The deepest FHIR resources nest about 20.
- *NUL characters*: `\\u0000` is legal JSON, but no text of a person holds one, and C strings end there.

A byte order mark before the value is passed over, as RFC 8259 (section 8.1) allows: editors on Windows write one.
"""

from __future__ import annotations

import re
from typing import Any

from ccit.bounds import ALWAYS_AFFORDABLE_BYTES, MAX_DEPTH, inside, require_shallow
from ccit.errors import InputError
from ccit.events import parse_json

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_ESCAPED_NUL = b"\\u0000"
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"')  # of JSON that has been parsed: each text ends


def parse_strict(value: bytes | None, max_depth: int = MAX_DEPTH, affordable: int = ALWAYS_AFFORDABLE_BYTES) -> Any:
    """Bytes -> the JSON value; cap the size first.

    Parameters
    ----------
    max_depth : int
        Most lists and objects inside each other.
    affordable : int
        Bytes in memory that its values may need whatever its size; see `ccit/bounds.py`.

    Raises
    ------
    InputError
        `empty`, `not_json`, or `wrong_schema` for a NUL character.

    >>> parse_strict(b'{"a": [1, 2]}')
    {'a': [1, 2]}
    >>> parse_strict(b'{"a": 1, "a": 2}')  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ccit.errors.InputError: not_json: expected each name once in a JSON object, found 1 repeated; ...
    """
    value = value.removeprefix(BYTE_ORDER_MARK) if value is not None else None
    parsed = parse_json(value, affordable)
    require_shallow(parsed, max_depth)
    if value is not None:
        _require_each_name_once(value, parsed)
        if _ESCAPED_NUL in value and _holds_nul(parsed):
            raise InputError("wrong_schema", "expected text without NUL characters, found \\u0000; remove it")
    return parsed


def _holds_nul(parsed: Any) -> bool:
    """Whether any name or text does: the escape alone may be an escaped backslash before `u0000`."""
    level = [parsed]
    while level:
        if any("\0" in node for node in level if isinstance(node, str)):
            return True
        level = [inner for node in level for inner in (*inside(node), *(node if isinstance(node, dict) else ()))]
    return False


def _require_each_name_once(value: bytes, parsed: Any) -> None:
    members, level = 0, [parsed]
    while level := [node for node in level if isinstance(node, dict | list)]:
        members += sum(len(node) for node in level if isinstance(node, dict))
        level = [inner for node in level for inner in inside(node)]
    if value.count(b":") == members:
        return
    repeated = _TEXT.sub(b"", value).count(b":") - members
    if repeated:
        raise InputError(
            "not_json",
            f"expected each name once in a JSON object, found {repeated} repeated; send one value for each",
        )
