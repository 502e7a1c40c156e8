from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.ingest.hl7.message import header_of, parse
from ccit.ingest.mllp.answers import Header, Outcome, answer, code_for, header_in
from ccit.ingest.mllp.framing import Framer

VALUE = b"MSH|^~\\&|LAB|NORTH|EHR|SOUTH|2026||ORU^R01|C17|T|2.3.1|||AL|NE\rPID|1||4711\r"


@pytest.mark.parametrize(
    ("accept", "application", "codes"),
    [
        ("", "", "AA AE AR AR"),
        ("AL", "", "CA CE CR CE"),
        ("AL", "AL", "CA CE CR CE"),
        ("AL", "NE", "CA CE CR CE"),
        ("NE", "", "- - - -"),
        ("NE", "NE", "- - - -"),
        ("NE", "AL", "AA AE AR AR"),
        ("", "AL", "AA AE AR AR"),
        ("ER", "NE", "- CE CR CE"),
        ("SU", "NE", "CA - - -"),
        ("ER", "SU", "AA CE CR CE"),
        ("XX", "", "CA CE CR CE"),
    ],
)
def test_original_and_enhanced_mode(accept: str, application: str, codes: str) -> None:
    header = Header(accept=accept, application=application)
    outcomes: tuple[Outcome, ...] = ("stored", "faulty", "unsupported", "unavailable")
    assert [code_for(header, outcome) or "-" for outcome in outcomes] == codes.split()


def test_an_answer_goes_from_the_receiver_to_the_sender_about_the_control_id() -> None:
    (frame,) = Framer(2000).feed(answer(header_in(VALUE), "stored", "", "own", 86400.0))
    message = parse(frame.value)
    assert [message.header.text(n) for n in (3, 4, 5, 6)] == ["EHR", "SOUTH", "LAB", "NORTH"]
    assert [message.header.text(n) for n in (7, 10, 11, 12)] == ["19700102000000+0000", "own", "T", "2.3.1"]
    assert message.kind == "ACK^R01"
    assert [message.segments[1].text(n) for n in (1, 2)] == ["CA", "C17"]


def test_a_refusal_says_why_in_the_sender_s_own_separators() -> None:
    header = replace(header_in(b"MSH$:!%*$A$B$C$D$2026$$ORU:R01$9$P$2.5\r"))
    (frame,) = Framer(2000).feed(answer(header, "faulty", "MSH-9: expected a type, found none", "own", 0.0))
    message = parse(frame.value)
    assert [message.segments[1].text(n) for n in (1, 2, 3)] == ["AE", "9", "MSH-9  expected a type, found none"]
    assert message.segments[2].text(3, 1) == "102"


_RAW = st.text(st.characters(max_codepoint=255), max_size=250)


@given(st.lists(_RAW, min_size=16, max_size=16), st.sampled_from(["stored", "faulty", "unavailable"]))
def test_whatever_a_header_holds_the_answer_is_one_frame_of_few_segments(fields: list[str], outcome: Outcome) -> None:
    """A control id with 0x1C 0x0D in it, or with a line break, forges no second answer."""
    header = Header(sender=(fields[3], fields[4]), receiver=(fields[5], fields[6]))
    value = b"MSH|^~\\&|" + "|".join(fields[:13]).encode("latin-1")
    try:
        header = header_in(value)
    finally:
        sent = answer(replace(header, accept="", application=""), outcome, "a sentence", "own", 0.0)
    assert sent.count(b"\x0b") == sent.count(b"\x1c") == 1
    assert sent.count(b"\r") == {"stored": 3, "faulty": 4, "unavailable": 4}[outcome]
    assert len(Framer(5000).feed(sent)) == 1


def test_bytes_of_the_header_go_back_as_they_came() -> None:
    for name in ("Zürich".encode(), "Zürich".encode("latin-1")):
        sent = answer(header_in(VALUE.replace(b"NORTH", name)), "stored", "", "own", 0.0)
        assert header_of(sent).raw(6).encode("latin-1") == name
