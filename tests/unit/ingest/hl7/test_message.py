"""Bytes to segments, fields and parts: what integration engineers reported."""

from __future__ import annotations

import time

import hl7
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.errors import InputError
from ccit.ingest.hl7.message import Message, header_of, parse

HEADER = r"MSH|^~\&|LAB|NORTH|EHR|SOUTH|20260101||ORU^R01|17|P|2.5"
LINES = (HEADER, "PID|1||12^^^H", "OBX|1|TX|||warm")


def names(message: Message) -> list[str]:
    return [segment.name for segment in message]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r", "\n\n", "\r\n\r\n", "\r \r"])
def test_any_line_end_separates_segments(end: str) -> None:
    message = parse((end.join(LINES) + end).encode())
    assert names(message) == ["MSH", "PID", "OBX"]
    assert message.segments[2].text(5) == "warm"
    assert message.notes == ()


def test_frame_bytes_and_a_byte_order_mark_are_passed_over() -> None:
    message = parse(b"\xef\xbb\xbf\x0b" + "\r".join(LINES).encode() + b"\r\x1c\r")
    assert names(message) == ["MSH", "PID", "OBX"]


def test_a_line_break_inside_a_text_continues_it() -> None:
    message = parse((HEADER + "\rOBX|1|TX|||first\nBUN\nlast||||||F\r").encode())
    assert message.segments[1].text(5) == "first\nBUN\nlast"
    assert message.segments[1].text(11) == "F"
    assert [note.kind for note in message.notes] == ["line_breaks"]


@pytest.mark.parametrize(
    ("declared", "written", "codec", "notes"),
    [
        ("8859/1", "latin-1", "iso8859-1", []),
        ("", "utf-8", "utf-8", []),
        ("", "latin-1", "cp1252", ["charset"]),
        ("UNICODE UTF-8", "latin-1", "cp1252", ["charset"]),
        ("UNICODE UTF-8", "utf-8", "utf-8", []),
        ("~8859/1", "latin-1", "iso8859-1", []),
        ("KLINGON", "utf-8", "utf-8", ["charset"]),
        ("ASCII", "utf-8", "utf-8", ["charset"]),
    ],
)
def test_characters_are_those_declared_else_a_stated_fallback(
    declared: str, written: str, codec: str, notes: list[str]
) -> None:
    header = HEADER + "||||||" + declared
    message = parse((header + "\rOBX|1|NM|X||5 µg für").encode(written))
    assert message.segments[1].text(5) == "5 µg für"
    assert message.codec == codec
    assert [note.kind for note in message.notes] == notes


def test_a_mark_inside_a_chinese_character_is_no_mark() -> None:
    text = "恷乗"  # the second byte of one is `|`, of the other `\`, in GB 18030
    assert b"|" in "恷".encode("gb18030") or b"\\" in "乗".encode("gb18030")
    message = parse((HEADER + "||||||GB 18030-2000\rOBX|1|TX|||" + text).encode("gb18030"))
    assert message.segments[1].text(5) == text


def test_a_text_of_200_000_characters_is_read() -> None:
    long = "x" * 200_000
    assert parse((HEADER + "\rOBX|1|TX|||" + long).encode()).segments[1].text(5) == long


def test_five_encoding_characters_are_read_and_three_refused() -> None:
    five = parse((r"MSH|^~\&#|A" + "\rPID|1||a#b").encode())
    assert five.header.separators.truncation == "#"
    with pytest.raises(InputError, match="MSH-2: expected four or five"):
        parse(rb"MSH|^~\|A")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"", "found nothing"),
        (b"\x0b\x1c\r", "found nothing"),
        (b"PID|1", "begins with MSH"),
        (b"MSH", "MSH-1"),
        (b"MSHX^~\\&X", "MSH-1"),
        (b"MSH|^~\\&", "MSH-2"),
        (b"MSH|^~\\\\|", "MSH-2"),
        (b"MSH|^~\r&|", "MSH-2"),
        ("\r".join((*LINES, HEADER)).encode(), "second MSH"),
        ((HEADER + "||||||UNICODE UTF-16").encode(), "UTF-16"),
    ],
)
def test_what_cannot_be_a_message_is_refused_by_its_place(value: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse(value)


def test_repetitions_and_subcomponents_are_kept() -> None:
    line = "PID|1||1^^^H&1.2&ISO^MR~9^^^SSA^SS"
    pid = parse(f"{HEADER}\r{line}\rZXX|a".encode()).segments[1]
    first, second = pid.repetitions(3)
    assert [pid.part(first, 4, number) for number in (1, 2, 3, 4)] == ["H", "1.2", "ISO", ""]
    assert (pid.part(second, 1), pid.part(second, 5), pid.part(second, 9)) == ("9", "SS", "")


def test_a_header_that_is_cut_short_can_still_be_answered() -> None:
    assert header_of(b"\x0bMSH|^~\\&|A|B").text(3) == "A"
    assert header_of(b"MSH|^~\\&|A|B").text(10) == ""


PART = st.text(st.characters(exclude_characters="|^~\\&\r\n\x0b\x1c", min_codepoint=32, max_codepoint=126), max_size=6)
FIELD = st.lists(st.lists(PART, min_size=1, max_size=3).map("^".join), min_size=1, max_size=3).map("~".join)
SEGMENT = st.builds(lambda name, fields: "|".join([name, *fields]), st.sampled_from(["PID", "OBX", "ZZ1"]),
                    st.lists(FIELD, min_size=1, max_size=5))  # fmt: skip


@given(st.lists(SEGMENT, max_size=4))
def test_fields_are_those_that_the_hl7_package_finds(segments: list[str]) -> None:
    text = "\r".join([HEADER, *segments])
    ours, theirs = parse(text.encode()), hl7.parse(text)
    assert len(ours.segments) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert [mine.raw(number) for number in range(len(mine.fields))] == [str(field) for field in other]


@given(st.binary(max_size=300), st.binary(max_size=60))
def test_any_bytes_are_a_message_or_a_refusal(body: bytes, before: bytes) -> None:
    for value in (before + body, HEADER.encode() + b"\r" + body, b"MSH" + body):
        try:
            message = parse(value)
        except InputError:
            continue
        assert message.header.name == "MSH"


def test_time_is_linear_in_the_size() -> None:
    def seconds(count: int) -> float:
        value = (HEADER + "\r" + "OBX|1|TX|||\\T\\" + "\\X4" * count + "~^&\n" * count).encode()
        started = time.process_time()
        parse(value).segments[1].text(5)
        return time.process_time() - started

    seconds(1000)
    assert seconds(200_000) < 40 * max(seconds(20_000), 0.005)  # ten times the size; a square would be a hundred
