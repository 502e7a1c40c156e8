"""What senders really put on a socket, and the laws of the framer."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.ingest.mllp.framing import HEAD_BYTES, Frame, Framer

SB, EB, CR = b"\x0b", b"\x1c", b"\r"
ONE, TWO = b"MSH|^~\\&|A|1\rOBX|1\r", b"MSH|^~\\&|A|2\r"
MOST = 2000


def framed(value: bytes) -> bytes:
    return SB + value + EB + CR


def frames(*pieces: bytes, most: int = MOST) -> list[Frame]:
    framer = Framer(most)
    return [frame for piece in pieces for frame in framer.feed(piece)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (framed(ONE), [Frame(ONE)]),
        (framed(ONE) + framed(TWO), [Frame(ONE), Frame(TWO)]),
        (b"noise" + framed(ONE), [Frame(ONE)]),
        (framed(ONE) + b"\r\n\n" + framed(TWO), [Frame(ONE), Frame(TWO)]),
        (SB + framed(ONE), [Frame(ONE)]),
        (SB + b"MSH|given up" + framed(TWO), [Frame(TWO)]),
        (ONE + EB + CR + framed(TWO), [Frame(ONE.strip(), "no_beginning"), Frame(TWO)]),
        (framed(b"MSH|a\x1cb\x0bc"), [Frame(b"MSH|a\x1cb\x0bc")]),
        (SB + ONE + EB + framed(TWO), [Frame(ONE), Frame(TWO)]),
        (framed(b""), [Frame(b"")]),
        (framed(ONE) + EB + CR, [Frame(ONE)]),
        (framed(ONE + TWO), [Frame(ONE + TWO)]),
    ],
    ids=[
        "one", "two in one packet", "bytes before", "blanks between", "begun twice", "begun anew", "no beginning",
        "marks in the text", "no 0x0D after the end", "empty", "ended twice", "two MSH",
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 3, 10_000])
def test_what_senders_send(stream: bytes, expected: list[Frame], size: int) -> None:
    found = frames(*(stream[n : n + size] for n in range(0, len(stream), size)))
    assert [(one.value.strip(), one.defect) for one in found] == [(one.value.strip(), one.defect) for one in expected]


def test_a_frame_as_long_as_may_be_is_read_and_one_byte_more_is_not() -> None:
    longest, longer = b"MSH" + b"x" * (MOST - 3), b"MSH" + b"x" * (MOST - 2)
    assert frames(framed(longest), framed(TWO)) == [Frame(longest), Frame(TWO)]
    assert frames(framed(longer), framed(TWO)) == [Frame(longer[:HEAD_BYTES], "too_long"), Frame(TWO)]


def test_what_has_begun_can_be_given_up() -> None:
    framer = Framer(MOST)
    assert framer.give_up() is None
    framer.feed(SB + b"MSH|half")
    assert framer.unfinished
    assert framer.give_up() == Frame(b"MSH|half", "no_end")
    assert (framer.unfinished, framer.feed(framed(ONE))) == (False, [Frame(ONE)])


def test_a_frame_that_was_too_long_is_told_once() -> None:
    framer = Framer(MOST)
    assert [one.defect for one in framer.feed(SB + b"MSH" + b"x" * 3 * MOST)] == ["too_long"]
    assert framer.unfinished
    assert framer.give_up() is None
    assert (framer.unfinished, framer.feed(framed(ONE))) == (False, [Frame(ONE)])


def test_frames_are_counted_where_they_begin_and_where_they_begin_anew() -> None:
    framer = Framer(MOST)
    counts = []
    for piece in (b"noise", SB + ONE[:9], ONE[9:], SB + TWO, EB + CR, framed(ONE), SB + SB):
        framer.feed(piece)
        counts.append(framer.begun)
    assert counts == [0, 1, 1, 2, 2, 3, 4]


_PIECES = st.sampled_from([SB, EB, CR, b"MSH", SB + b"MSH", EB + CR, EB + SB + b"MSH", b" ", b"x" * 700, b"\xff\x00|"])
_STREAMS = st.lists(_PIECES | st.binary(max_size=20), max_size=30).map(b"".join)


@given(_STREAMS, st.lists(st.integers(0, 10_000), max_size=20))
def test_any_pieces_give_the_same_frames_in_bounded_memory(stream: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    pieces = [stream[a:b] for a, b in itertools.pairwise(places)]
    framer = Framer(HEAD_BYTES)
    found: list[Frame] = []
    for piece in pieces:
        found += framer.feed(piece)
        assert framer.held_bytes <= 2 * HEAD_BYTES + len(piece) + 8
    whole = Framer(HEAD_BYTES)
    assert (found, framer.unfinished) == (whole.feed(stream), whole.unfinished)
    assert found == frames(*(stream[n : n + 1] for n in range(len(stream))), most=HEAD_BYTES)


_CLEAN = st.binary(max_size=60).map(lambda noise: noise.replace(SB, b"").replace(EB, b""))


@given(st.lists(st.tuples(_CLEAN, _CLEAN), max_size=8))
def test_every_message_between_garbage_is_found_once(parts: list[tuple[bytes, bytes]]) -> None:
    stream = b"".join(noise + framed(b"MSH" + text) for noise, text in parts)
    assert [frame.value for frame in frames(stream)] == [b"MSH" + text for _, text in parts]
