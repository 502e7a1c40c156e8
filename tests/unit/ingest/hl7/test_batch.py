"""Files with one message, many, an envelope or none: each message once, whatever pieces the file is read in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.ingest.hl7.batch import messages_in

ONE = b"MSH|^~\\&|A|B\rPID|1\rOBX|1|TX|||MSH is no segment here\r"
TWO = b"MSH|^~\\&|A|B\nPID|2\n"


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (ONE, 1),
        (ONE + b"\n", 1),
        (ONE + TWO + b"\n\n", 2),
        (b"FHS|^~\\&|A\rBHS|^~\\&|A\r" + ONE + b"BTS|1\rFTS|1\r", 1),
        (b"\xef\xbb\xbfBHS|^~\\&|A\r\n" + ONE + TWO + b"BTS|2\r\n", 2),
        (b"\x0b" + ONE + b"\x1c\r\x0b" + ONE + b"\x1c\r", 2),
        (b"", 0),
        (b"nothing of the sort\r", 0),
    ],
)
def test_each_message_comes_once(value: bytes, count: int) -> None:
    found = list(messages_in([value], 10_000))
    assert len(found) == count
    assert all(b"MSH|" in one and b"BTS" not in one and b"FHS" not in one for one in found)


@given(st.lists(st.integers(1, 40), max_size=30))
def test_pieces_make_no_difference(sizes: list[int]) -> None:
    value = b"FHS|^~\\&|A\r\n" + ONE + b"\r\n" + TWO + ONE + b"FTS|1\r\n"
    pieces, rest = [], value
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    found = [b"".join(one.split()) for one in messages_in([*pieces, rest], 10_000)]
    assert found == [b"".join(one.split()) for one in messages_in([value], 10_000)]


def test_memory_is_bounded_however_long_a_message_is() -> None:
    (cut,) = messages_in([b"MSH|^~\\&|A\r", *(b"x" * 1000 for _ in range(500))], 20_000)
    assert 20_000 < len(cut) < 45_000
