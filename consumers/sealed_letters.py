"""The dead letter of a message that names patients: why and where, its size and digest, and nothing of what it holds.

No key either, for that is a patient's number, and none of its headers. Who may read `ccit.clinical` finds the message
there, by its place, as long as the topic keeps it. Such a letter is never sent again (`redrive.py`).
"""

from __future__ import annotations

from ccit.errors import InputError
from consumers.dead_letters import what_was, why_and_whence
from consumers.kafka.messages import KafkaMessage, Output
from consumers.kafka.topics import Topics


def sealed_letter(message: KafkaMessage, error: InputError, stage: str, topics: Topics) -> Output:
    """The dead letter of an identified message.

    Parameters
    ----------
    error : InputError
        Its sentence must not quote the message.
    stage : str
        The process that could not read it.

    >>> said = InputError("wrong_schema", "expected MSH, found something else")
    >>> letter = sealed_letter(KafkaMessage("ccit.clinical", 2, 7, b"4711", b"Jo Doe"), said, "clinical", Topics())
    >>> letter.key, letter.value, dict(letter.headers)["ccit_offset"]
    (None, None, b'7')
    """
    headers = why_and_whence(message, error, stage, lost=what_was(message))
    return Output(topics.dead_letters.name, None, None, headers, topics.dead_letters.partition)
