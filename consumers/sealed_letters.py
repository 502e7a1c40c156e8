"""The dead letter of a message that names patients: why and where, its size and digest, and nothing of what it holds.

No key either, for that is a patient's number, and none of its headers. Who may read `ccit.clinical` finds the message
there, by its place, as long as the topic keeps it. Such a letter is never sent again (`redrive.py`).
"""

from __future__ import annotations

import hashlib

from ccit.errors import InputError
from consumers.kafka.messages import Message, Output
from consumers.kafka.topics import Topics


def sealed_letter(message: Message, error: InputError, stage: str, topics: Topics) -> Output:
    """The dead letter of an identified message.

    Parameters
    ----------
    error : InputError
        Its sentence must not quote the message.
    stage : str
        The process that could not read it.

    >>> said = InputError("wrong_schema", "expected MSH, found something else")
    >>> letter = sealed_letter(Message("ccit.clinical", 2, 7, b"4711", b"Jo Doe"), said, "clinical", Topics())
    >>> letter.key, letter.value, dict(letter.headers)["ccit_offset"]
    (None, None, b'7')
    """
    lost = message.fault.lost if message.fault is not None else ""
    ours = {
        "ccit_reason": error.reason,
        "ccit_error": error.detail,
        "ccit_topic": message.topic,
        "ccit_partition": str(message.partition),
        "ccit_offset": str(message.offset),
        "ccit_stage": stage,
        "ccit_attempts": "1",
        "ccit_cut": lost or f"{len(message.value or b'')} bytes in all; value SHA-256 {digest_of_value(message)}",
    }
    headers = tuple((name, text.encode("utf-8", "replace")) for name, text in ours.items())
    return Output(topics.dead_letters.name, None, None, headers, topics.dead_letters.partition)


def digest_of_value(message: Message) -> str:
    """SHA-256 (hex) of a message's bytes."""
    return hashlib.sha256(message.value or b"").hexdigest()
