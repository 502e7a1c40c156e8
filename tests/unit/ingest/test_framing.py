"""What serializers put before JSON; nothing that is not framed is touched."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ccit.errors import InputError
from ccit.ingest.framing import unframed

GUID = bytes(range(16))


@pytest.mark.parametrize("value", [b'{"a": 1}', b'\xef\xbb\xbf {"a": 1}', b"[1]"])
def test_json_behind_a_schema_is_taken_out_and_the_schema_named(value: bytes) -> None:
    assert unframed(b"\x00\x00\x00\x01\x02" + value) == (value, "schema 258")
    assert unframed(b"\x01" + GUID + value) == (value, "schema 00010203-0405-0607-0809-0a0b0c0d0e0f")


@pytest.mark.parametrize("value", [b"\x00\x00\x00\x00\x07\x02\x06foo", b"\x01" + GUID + b"\x00\x0a"])
def test_avro_and_protobuf_are_refused_in_a_sentence(value: bytes) -> None:
    with pytest.raises(InputError, match=r"Avro or Protobuf.*have the producer write JSON") as refused:
        unframed(value)
    assert refused.value.reason == "not_json"


@given(st.none() | st.binary(max_size=40).filter(lambda value: value[:1] not in (b"\x00", b"\x01")))
@example(b"\x00")
@example(b"\x00\xff{}")
@example(b"\x01" + GUID)
def test_what_is_not_framed_stays_as_it_is(value: bytes | None) -> None:
    assert unframed(value) == (value, "")
