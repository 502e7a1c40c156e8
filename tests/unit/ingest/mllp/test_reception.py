from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.ingest.mllp.framing import Defect, Frame
from ccit.ingest.mllp.reception import key_of, received

HEAD = b"MSH|^~\\&|LAB|NORTH|||20260101||ORU^R01|C17|P|2.5\r"
BODY = b"PID|1||4711^^^H&1.2&ISO^MR~9^^^SSA||Roe^Ann\rOBX|1|TX|||Mrs. Roe is well.\r"


@pytest.mark.parametrize(
    "value",
    [
        HEAD + BODY,
        (HEAD + BODY).replace(b"\r", b"\n"),
        (HEAD + BODY).replace(b"\r", b"\r\n"),
        (HEAD + BODY).replace(b"\r", b"\r\r"),
        HEAD.replace(b"^~\\&|", b"^~\\&#|") + BODY,
        HEAD + b"OBX|1|TX|||" + b"x" * 200_000,
        HEAD + b"OBX|1|TX|||4\\5 re \\X0D\\\\X0A\\ \\E\\R\\ \xb5g",
        HEAD.replace(b"|2.5", b""),
    ],
    ids=["plain", "line feeds", "both", "doubled", "five characters", "200,000 characters", "escapes", "no version"],
)
def test_what_can_be_stored_is(value: bytes) -> None:
    message = received(Frame(value))
    assert (message.outcome, message.said, message.header.control_id) == (None, "", "C17")


@pytest.mark.parametrize(
    ("value", "outcome", "said"),
    [
        (HEAD.replace(b"C17", b"") + BODY, "faulty", "MSH-10"),
        (b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01||P|2.7", "faulty", "MSH-10"),
        (HEAD.replace(b"ORU^R01", b"") + BODY, "faulty", "MSH-9"),
        (b"MSH|^~\\&|A", "faulty", "MSH-9"),
        (HEAD.replace(b"C17", b"C" * 200) + BODY, "faulty", "MSH-10"),
        (b"MSH|^~\\|A|B", "unsupported", "MSH-2"),
        (b"MSH", "unsupported", "MSH-1"),
        (b"GET / HTTP/1.1 Mrs. Roe", "unsupported", "begins with MSH"),
        (b"", "unsupported", "MSH"),
        (HEAD.replace(b"2.5", b"3.0") + BODY, "unsupported", "MSH-12"),
        (HEAD + BODY + HEAD + BODY, "faulty", "second MSH"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_that_quotes_nothing(value: bytes, outcome: str, said: str) -> None:
    message = received(Frame(value))
    assert message.outcome == outcome
    assert said in message.said
    assert not any(word in message.said for word in ("Roe", "4711", "C17", "NORTH"))


@pytest.mark.parametrize("defect", ["too_long", "no_beginning", "no_end"])
def test_a_frame_with_a_defect_is_refused_under_its_control_id(defect: Defect) -> None:
    message = received(Frame(HEAD, defect))
    assert (message.outcome, message.header.control_id) == ("faulty", "C17")
    assert received(Frame(b"Mrs. Roe", defect)).outcome == "faulty"


def test_an_answer_is_not_answered() -> None:
    assert received(Frame(HEAD.replace(b"ORU^R01", b"ACK^R01") + b"MSA|AA|9\r")).silent


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (HEAD + BODY, b"4711|H"),
        ((HEAD + BODY).replace(b"\r", b"\n"), b"4711|H"),
        (HEAD, b"LAB|NORTH|C17"),
        (HEAD + b"PID|1\r", b"LAB|NORTH|C17"),
    ],
)
def test_what_is_said_of_one_patient_has_one_key(value: bytes, key: bytes) -> None:
    assert key_of(received(Frame(value))) == key


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: HEAD + tail))
def test_whatever_comes_is_stored_or_refused(value: bytes) -> None:
    message = received(Frame(value))
    assert message.outcome is None or message.said
    assert key_of(message) or message.outcome is not None or message.silent
