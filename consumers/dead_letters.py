"""A message that cannot be read becomes one dead letter: its original bytes, and in the headers why and whence."""

from __future__ import annotations

from ccit.errors import InputError
from consumers.kafka.messages import Headers, Message, Output
from consumers.kafka.topics import Topics

_OWN = ("ccit_reason", "ccit_error", "ccit_topic", "ccit_partition", "ccit_offset", "ccit_stage", "ccit_attempts")


def dead_letter(message: Message, error: InputError, stage: str, topics: Topics) -> Output:
    """The dead letter of a message.

    Parameters
    ----------
    stage : str
        The process that could not read it: `ingest` or `score`.

    Returns
    -------
    Output
        Key, value and headers as they came; ours are added, and `ccit_attempts` grows with each re-drive.
    """
    kept: Headers = tuple((name, value) for name, value in message.headers if name not in _OWN)
    ours = {
        "ccit_reason": error.reason,
        "ccit_error": error.detail,
        "ccit_topic": message.topic,
        "ccit_partition": str(message.partition),
        "ccit_offset": str(message.offset),
        "ccit_stage": stage,
        "ccit_attempts": str(attempts(message) + 1),
    }
    headers = kept + tuple((name, text.encode("utf-8", "replace")) for name, text in ours.items())
    return Output(topics.dead_letters.name, message.key, message.value, headers, topics.dead_letters.partition)


def attempts(message: Message) -> int:
    """How often the message has been tried already; 0 for one that never was a dead letter."""
    raw = message.header("ccit_attempts") or b""
    return int(raw) if raw.isdigit() and len(raw) < 9 else 0
