from __future__ import annotations

import random
import tracemalloc
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.ingest.hl7.message import parse
from ccit.ingest.mllp.conversation import Conversation
from ccit.ingest.mllp.framing import Framer


def message(control_id: str, kind: str = "ORU^R01", mode: str = "") -> bytes:
    head = f"MSH|^~\\&|LAB|NORTH|||2026||{kind}|{control_id}|P|2.5|||{mode}\rPID|1||4711||Roe^Ann\r"
    return b"\x0b" + head.encode() + b"\x1c\r"


def told(sent: bytes) -> list[tuple[str, str]]:
    """Code and control id of each answer."""
    answers = [parse(frame.value) for frame in Framer(5000).feed(sent)]
    return [(one.segments[1].text(1), one.segments[1].text(2)) for one in answers]


def test_nothing_is_acknowledged_before_it_is_stored() -> None:
    talk = Conversation(2000)
    ((number, _),) = talk.hear(message("1"))
    assert talk.answers(0.0) == b""
    talk.settle(number, "stored")
    assert told(talk.answers(0.0)) == [("AA", "1")]
    assert (talk.answers(0.0), talk.waiting) == (b"", 0)


def test_answers_keep_the_order_of_the_messages() -> None:
    talk = Conversation(2000)
    arrived = talk.hear(message("1") + message("") + message("3") + message("4"))
    assert [one.header.control_id for _, one in arrived] == ["1", "3", "4"]
    talk.settle(arrived[2][0], "stored")
    talk.settle(arrived[1][0], "unavailable", "it could not be stored")
    assert talk.answers(0.0) == b""
    talk.settle(arrived[0][0], "stored")
    assert told(talk.answers(0.0)) == [("AA", "1"), ("AE", ""), ("AR", "3"), ("AA", "4")]


def test_a_message_that_waits_for_its_answer_is_not_kept() -> None:
    talk = Conversation(200_000)
    tracemalloc.start()
    try:
        for number in range(40):
            talk.hear(message(str(number))[:-2] + b"x" * 100_000 + b"\x1c\r")
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert talk.waiting == 40
    assert held < 300_000


def test_answers_are_not_answered_and_no_answer_is_sent_where_none_is_wanted() -> None:
    talk = Conversation(2000)
    arrived = talk.hear(message("1", "ACK") + message("2", mode="NE|NE") + message("3", mode="AL|NE"))
    for number, _ in arrived:
        talk.settle(number, "stored")
    assert told(talk.answers(0.0)) == [("CA", "3")]
    assert talk.said == Counter({"none": 1, "CA": 1})


def test_a_message_that_does_not_end_is_refused_under_its_control_id() -> None:
    talk = Conversation(2000)
    talk.hear(message("7")[:-2])
    assert talk.unfinished
    talk.give_up()
    sent = talk.answers(0.0)
    assert told(sent) == [("AE", "7")]
    assert b"Roe" not in sent
    assert not talk.unfinished


def test_what_was_answered_cannot_be_settled_again() -> None:
    talk = Conversation(2000)
    ((number, _),) = talk.hear(message("1"))
    talk.settle(number, "stored")
    talk.settle(number, "unavailable")  # the first word holds
    assert told(talk.answers(0.0)) == [("AA", "1")]
    with pytest.raises(KeyError):
        talk.settle(number, "stored")


_PARTS = st.lists(
    st.tuples(st.binary(max_size=9), st.sampled_from(["ORU^R01", "ACK", "ADT^A08"]), st.booleans()), max_size=8
)


@given(_PARTS, st.lists(st.integers(1, 60), min_size=1, max_size=9), st.randoms(use_true_random=False))
def test_each_message_is_answered_once_or_not_at_all(
    parts: list[tuple[bytes, str, bool]], sizes: list[int], lot: random.Random
) -> None:
    """Whatever stands between the messages, however they are cut, and in whatever order they are stored."""
    stream = b"".join(
        noise.replace(b"\x0b", b"").replace(b"\x1c", b"") + message(str(n), kind)
        for n, (noise, kind, _) in enumerate(parts)
    )
    talk, sent, arrived = Conversation(2000), b"", []
    at = 0
    while at < len(stream):
        size = sizes[at % len(sizes)]
        arrived += talk.hear(stream[at : at + size])
        sent += talk.answers(0.0)
        at += size
    lot.shuffle(arrived)
    for number, one in arrived:
        talk.settle(number, "stored" if parts[int(one.header.control_id)][2] else "unavailable", "not stored")
        sent += talk.answers(0.0)
    asked = [(n, kept) for n, (_, kind, kept) in enumerate(parts) if kind != "ACK"]
    assert told(sent) == [("AA" if kept else "AR", str(n)) for n, kept in asked]
    assert talk.waiting == 0
