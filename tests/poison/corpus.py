"""Messages that no consumer should die of, by name: each must become exactly one dead letter, for the reason given.

`SECRET` stands in most values where a patient's words would be; no error sentence may repeat it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import orjson

from ccit.events import RecordReceived, encode
from ccit.records import Record
from consumers.kafka.messages import Headers

SECRET = "Anna Schmidt, born 1950"
MAX_BYTES = 20_000  # ingest.max_bytes in these tests


@dataclass(frozen=True, slots=True)
class Poison:
    """One malformed message and the reason for which it is refused."""

    name: str
    reason: str
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Sound:
    """One unusual message that must be read all the same."""

    name: str
    value: bytes
    headers: Headers = ()


def row(**changes: Any) -> dict[str, Any]:
    """A valid instruction row with some fields changed or added."""
    valid = {"id": "p1", "source": "ward", "lang": "en", "instruction": f"Who is {SECRET}?", "output": "A patient."}
    return {**valid, **changes}


def raw(**changes: Any) -> bytes:
    """The same in bytes, written by a lax writer: NaN, infinities and lone surrogates pass."""
    return json.dumps(row(**changes)).encode()


def with_member(member: bytes) -> bytes:
    """A valid row with one more member, byte for byte."""
    return raw()[:-1] + b", " + member + b"}"


def without(*names: str) -> bytes:
    """A row that lacks some fields."""
    return json.dumps({name: value for name, value in row().items() if name not in names}).encode()


def nested(opening: bytes, closing: bytes, depth: int) -> bytes:
    """A row with something deep in its metadata."""
    return with_member(b'"meta": {"x": ' + opening * depth + b"0" + closing * depth + b"}")


_SAID = {"from": "human", "value": "Dose?"}

WRONG_TYPES: dict[str, Any] = {
    "a number": 7,
    "a list": [SECRET],
    "an object": {"a": SECRET},
    "null": None,
    "true": True,
}
NULL_IS_NONE = ("input", "lang", "source")  # a row without them is sound, and null says the same
TYPED = ("instruction", "output", "input", "source", "lang")

UNREADABLE = (
    Poison("a tombstone", "empty", None),
    Poison("no bytes", "empty", b""),
    Poison("white space", "not_json", b" \n\t "),
    Poison("garbage", "not_json", bytes(range(256))),
    Poison("text", "not_json", SECRET.encode()),
    Poison("XML", "not_json", b"<patient>" + SECRET.encode() + b"</patient>"),
    Poison("a row cut short", "not_json", raw()[:-9]),
    Poison("two rows", "not_json", raw() + b"\n" + raw()),
    Poison("a comma too many", "not_json", raw()[:-1] + b",}"),
    Poison("single quotes", "not_json", repr(row()).encode()),
    Poison("a comment", "not_json", b"// " + SECRET.encode() + b"\n" + raw()),
    Poison("UTF-16", "not_json", raw().decode().encode("utf-16")),
    Poison("Latin-1", "not_json", with_member('"name": "Müller"'.encode("latin-1"))),
    Poison("UTF-8 cut in a letter", "not_json", with_member(b'"name": "M\xc3"')),
    Poison("an overlong letter", "not_json", with_member(b'"name": "\xc0\xaf"')),
    Poison("a surrogate in UTF-8", "not_json", with_member(b'"name": "\xed\xa0\x80"')),
    Poison("a lone high surrogate", "not_json", with_member(b'"name": "\\ud800"')),
    Poison("a lone low surrogate", "not_json", with_member(b'"name": "\\udc00"')),
    Poison("NaN", "not_json", raw(meta={"dose": float("nan")})),
    Poison("infinity", "not_json", raw(meta={"dose": float("inf")})),
    Poison("minus infinity", "not_json", raw(meta={"dose": float("-inf")})),
    Poison("1e9999", "not_json", with_member(b'"dose": 1e9999')),
    Poison("5,000 digits", "not_json", with_member(b'"dose": ' + b"9" * 5000)),
    Poison("a leading zero", "not_json", with_member(b'"dose": 007')),
    Poison("a NUL byte", "not_json", with_member(b'"name": "a\x00b"')),
    Poison("a NUL byte at the end", "not_json", raw() + b"\x00"),
    Poison("gzip", "not_json", bytes.fromhex("1f8b08000000000002ff") + b"\x00" * 40),
    Poison("lists 65 deep", "not_json", nested(b"[", b"]", 63)),
    Poison("objects 300 deep", "not_json", nested(b'{"a":', b"}", 300)),
    Poison("lists 900 deep", "not_json", nested(b"[", b"]", 900)),
    Poison("lists without an end", "not_json", b"[" * 10_000),
    Poison("more lists than memory is good for", "too_large", b"[" * (MAX_BYTES - 100)),
    Poison("a name twice", "not_json", with_member(b'"output": "another answer"')),
    Poison("a name twice, one escaped", "not_json", with_member(b'"\\u006futput": "another answer"')),
    Poison("a name twice, deep inside", "not_json", with_member(b'"meta": {"labs": [{"k": 1, "k": 2}]}')),
    Poison("10 MB", "too_large", b'{"output": "' + b"x" * 10_000_000 + b'"}'),
    Poison("10 MB of brackets", "too_large", b"[" * 10_000_000),
)

MISFORMED = (
    Poison("a list", "wrong_schema", json.dumps([row()]).encode()),
    Poison("a string", "wrong_schema", json.dumps(SECRET).encode()),
    Poison("a number", "wrong_schema", b"7"),
    Poison("null", "wrong_schema", b"null"),
    Poison("true", "wrong_schema", b"true"),
    Poison("no fields", "wrong_schema", b"{}"),
    Poison("no instruction", "wrong_schema", without("instruction")),
    Poison("no output", "wrong_schema", without("output")),
    Poison("an empty output", "wrong_schema", raw(output="")),
    Poison("a blank instruction", "wrong_schema", raw(instruction=" \n\t\u3000")),
    *(
        Poison(f"{field} is {what}", "wrong_schema", raw(**{field: wrong}))
        for field in TYPED
        for what, wrong in WRONG_TYPES.items()
        if wrong is not None or field not in NULL_IS_NONE
    ),
    *(
        Poison(f"id is {what}", "wrong_schema", raw(id=wrong))
        for what, wrong in [("1.5", 1.5), ("1e300", 1e300), ("true", True), ("a list", [SECRET]), ("long", SECRET * 50)]
    ),
    *(
        Poison(f"meta is {what}", "wrong_schema", raw(meta=wrong))
        for what, wrong in [("a list", [SECRET]), ("a string", SECRET)]
    ),
    *(
        Poison(f"history is {what}", "wrong_schema", raw(meta={"history": wrong}))
        for what, wrong in [
            ("a string", SECRET),
            ("of one", [[SECRET]]),
            ("of three", [[SECRET] * 3]),
            ("of numbers", [[1, 2]]),
            ("of 201 turns", [["a", "b"]] * 201),
            ("of objects", [{"user": SECRET}]),
        ]
    ),
    Poison("pictures", "wrong_schema", raw(images=[SECRET])),
    Poison("preferences", "wrong_schema", raw(chosen=SECRET, rejected=SECRET)),
    Poison("two forms", "wrong_schema", raw(query=SECRET, response=SECRET)),
    Poison("a system text that is a list", "wrong_schema", raw(system=[{"a": SECRET}])),
    Poison("two histories", "wrong_schema", raw(history=[[SECRET, "a"]], meta={"history": [["b", SECRET]]})),
    Poison("a source of 10,000 letters", "wrong_schema", raw(source="w" * 10_000)),
    Poison("an escaped NUL", "wrong_schema", raw(output=f"{SECRET}\0")),
    Poison("an escaped NUL in a name", "wrong_schema", raw(**{"a\0b": 1})),
    Poison("an escaped NUL in the metadata", "wrong_schema", raw(meta={"labs": [{"unit": "mg\0"}]})),
)

MISLABELLED = (
    Poison("plain text", "unsupported_type", raw(), (("content-type", b"text/plain"),)),
    Poison("a picture", "unsupported_type", raw(), (("content-type", b"image/png"),)),
    Poison("the last type counts", "unsupported_type", raw(), (("content-type", b""), ("content-type", b"text/html"))),
    Poison("a type that is not UTF-8", "unsupported_type", raw(), (("content-type", b"\xff\xfe\x00"),)),
    Poison("a type of 100 KB", "unsupported_type", raw(), (("content-type", b"x" * 100_000),)),
    Poison("a structured event", "unsupported_type", raw(), (("content-type", b"application/cloudevents+avro"),)),
)

_BROKEN = b"not JSON: " + SECRET.encode()
ABUSED = (
    Poison("3,000 headers", "not_json", _BROKEN, tuple((f"h{n}", b"v") for n in range(3000))),
    Poison("one header 500 times", "not_json", _BROKEN, (("h", b"v"),) * 500),
    Poison("a header of 500 KB", "not_json", _BROKEN, (("h", b"v" * 500_000),)),
    Poison("header values that are not UTF-8", "not_json", _BROKEN, (("h", b"\xff\xfe\xc0"), ("h", b"\x00"))),
    Poison("headers without a value", "not_json", _BROKEN, (("h", None), ("content-type", None))),
    Poison("a header without a name", "not_json", _BROKEN, (("", b"v"),)),
    Poison("control characters in headers", "not_json", _BROKEN, (("a\x1b[2J\nb", b"\x1b]0;x\x07"),)),
)
FORGED = Poison(
    "forged headers of a dead letter",
    "not_json",
    _BROKEN,
    (
        ("ccit_reason", b"too_large"),
        ("ccit_error", b"\xff"),
        ("ccit_topic", b"ccit.model-versions"),
        ("ccit_partition", b"-1"),
        ("ccit_offset", b"1e9"),
        ("ccit_attempts", b"9" * 4000),
        ("ccit_cut", b"x"),
    ),
)

RAW = (
    *UNREADABLE,
    *MISFORMED,
    *MISLABELLED,
    *ABUSED,
    FORGED,
    Poison("forged headers of an event", "not_json", _BROKEN, (("ce_type", b"ccit.version-promoted.v1"),)),
)
"""For the topic `raw`."""


def record(body: bytes) -> bytes:
    """A record-received event around a row, as a hospital that writes records itself would send it."""
    return (
        b'{"record": {"record_id": "ward:p1", "subject": "s", "source": "ward", "received_at": 0, "body": '
        + body
        + b"}}"
    )


OF_A_RECORD: Headers = (("ce_type", b"ccit.record-received.v1"), ("content-type", b"application/json"))


def _in_a_record(poison: Poison) -> Poison:
    """The same fault one level down; the reason is the same, but for what is no value at all."""
    return Poison(f"a record: {poison.name}", poison.reason, record(poison.value or b"{"), OF_A_RECORD)


def _typed(value: bytes | None, name: str, reason: str, ce_type: bytes = b"ccit.record-received.v1") -> Poison:
    return Poison(name, reason, value, (("ce_type", ce_type),))


_LINEAGE = (
    b'{"announcement": {"kind": "promoted", "sequence": 999, "version": {"counts": {"' + SECRET.encode() + b'": "x"}}}}'
)
_UNTYPED = b"{}"
RECORDS = (
    *(_typed(p.value, p.name, p.reason) for p in UNREADABLE if p.name != "lists 65 deep"),  # an event may be 66 deep
    *(_in_a_record(p) for p in UNREADABLE if p.value and p.name not in ("a NUL byte at the end", "10 MB of brackets")),
    *(_in_a_record(p) for p in MISFORMED),
    *MISLABELLED,
    Poison("no type", "wrong_schema", record(raw())),
    _typed(record(raw()), "a type unknown", "wrong_schema", b"ccit.record-received.v99"),
    _typed(record(raw()), "a type that is not UTF-8", "wrong_schema", b"\xff\xfe"),
    _typed(record(raw()), "a type of 100 KB", "wrong_schema", b"x" * 100_000),
    _typed(_LINEAGE, "an announcement", "wrong_schema", b"ccit.version-promoted.v1"),
    _typed(_UNTYPED, "a command", "wrong_schema", b"ccit.command-issued.v1"),
    _typed(b"[]", "a list of records", "wrong_schema"),
    _typed(_UNTYPED, "no record", "wrong_schema"),
    _typed(b'{"record": "x"}', "a record that is text", "wrong_schema"),
    _typed(record(raw()).replace(b'"ward:p1"', b"7"), "record_id is a number", "wrong_schema"),
    _typed(record(raw()).replace(b': 0, "body"', b': "soon", "body"'), "received_at is text", "wrong_schema"),
    *(
        Poison(p.name, p.reason, p.value, (*OF_A_RECORD, *p.headers))
        for p in ABUSED
        if p.headers[-1][0] != "content-type"
    ),
    FORGED,
)
"""For the topic `records`, which a hospital may write itself."""

SOUND = (
    Sound("a field more", raw(ward=7, notes=[{"a": None}])),
    Sound("metadata more", raw(meta={"labs": {"k": 4.1}, "group": "g"})),
    Sound("a numbered id", raw(id=7)),
    Sound("no id", without("id")),
    Sound("instruction and output alone", without("id", "source", "lang")),
    Sound(
        "null for what may be left out", raw(input=None, lang=None, source=None, meta=None, system=None, history=None)
    ),
    Sound("an id of pandas", raw(id=7.0)),
    Sound("a byte order mark", b"\xef\xbb\xbf" + raw()),
    Sound("Windows line ends", json.dumps(row(), indent=1).replace("\n", "\r\n").encode()),
    Sound("a system text and earlier turns", raw(system="Be brief.", history=[["Dose?", "5 mg."]])),
    Sound("a conversation", json.dumps({"conversations": [_SAID, {"from": "gpt", "value": "5 mg."}]}).encode()),
    Sound("letters of every plane", raw(output="Grüße, 你好, \U0001f489, \u202e, \ufdd0")),
    Sound("control characters but NUL", raw(output="a\x01\x1b[2J\x7f")),
    Sound("an escaped backslash before u0000", with_member(b'"name": "a\\\\u0000"')),
    Sound("64 deep", nested(b"[", b"]", 62)),
    Sound("numbers that grow", raw(meta={"n": ["#"] * 300}).replace(b'"#"', b"9e15")),
    Sound("a type with parameters", raw(), (("content-type", b"Application/JSON; charset=utf-8"),)),
    Sound("framed by a schema registry", b"\x00\x00\x00\x00\x11" + raw()),
    Sound("forged attempts", raw(), (("ccit_attempts", b"7"), ("ce_type", b"ccit.round-planned.v1"))),
)
"""For the topic `raw`; the record that each becomes is sound for the topic `records`."""


def good_record(number: int) -> tuple[bytes, Headers]:
    """A record that a scorer decides."""
    body = orjson.loads(raw(id=number, output=f"Answer number {number}."))
    name = f"ward:{number}"
    return encode(RecordReceived(Record(name, name, "ward", 0.0, body)), at=0.0, source="test")
