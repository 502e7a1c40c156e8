from __future__ import annotations

import hashlib

from ccit.errors import InputError
from consumers.dead_letters import letter_in
from consumers.kafka.messages import KafkaMessage, ReadFault
from consumers.kafka.topics import Topics
from consumers.redrive import refusal
from consumers.sealed_letters import sealed_letter

SAID = InputError("wrong_schema", "expected MSH, found something else")
MESSAGE = KafkaMessage("ccit.clinical", 3, 17, b"4711|H", b"Jo Doe, born 1962", (("x-patient", b"Jo Doe"),), 5)


def test_it_says_why_and_where_and_nothing_of_the_message() -> None:
    output = sealed_letter(MESSAGE, SAID, "clinical", Topics())
    letter = letter_in(KafkaMessage(output.topic, 0, 0, output.key, output.value, output.headers))
    assert (letter.reason, letter.topic, letter.partition, letter.offset) == ("wrong_schema", "ccit.clinical", 3, 17)
    assert hashlib.sha256(b"Jo Doe, born 1962").hexdigest() in letter.cut
    assert (output.key, output.value, letter.headers) == (None, None, ())
    assert not any(word in repr(output) for word in ("Jo", "4711", "x-patient", "1962"))


def test_it_is_never_sent_again() -> None:
    output = sealed_letter(MESSAGE, SAID, "clinical", Topics())
    letter = letter_in(KafkaMessage(output.topic, 0, 0, output.key, output.value, output.headers))
    assert "ccit.clinical" in refusal(letter, (), Topics(), force=True)


def test_messages_that_retention_deleted_say_what_is_known() -> None:
    gone = KafkaMessage(
        "ccit.clinical", 3, 17, None, None, fault=ReadFault("expired", "gone", "offsets 17 to 20"), offset_count=4
    )
    output = sealed_letter(gone, InputError("expired", "gone"), "clinical", Topics())
    assert dict(output.headers)["ccit_cut"] == b"offsets 17 to 20"
