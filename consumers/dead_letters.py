"""A message that cannot be read becomes one dead letter: its original bytes, and in the headers why and whence."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ccit.errors import InputError
from consumers.kafka.messages import Headers, KafkaMessage, Output
from consumers.kafka.topics import Topics

_OWN = (
    "ccit_reason",
    "ccit_error",
    "ccit_topic",
    "ccit_partition",
    "ccit_offset",
    "ccit_stage",
    "ccit_attempts",
    "ccit_cut",
    "ccit_redriven",
)

MAX_VALUE_BYTES = 13 * 1024 * 1024
"""Of the original value kept (bytes). The incoming topics take 12 MiB, but *compressed*: a hospital's producer may send
a message that is 100 MB of text, which no 16 MiB dead letter holds. It is cut, and the header `ccit_cut` says so."""

_DIGITS = 18  # so that every number read from a header fits 64 bits
MOST_ATTEMPTS = 10**9  # far more than a redrive allows; so the count stays a number of few digits

MAX_EXTRA_BYTES = 1024 * 1024
"""Of the original key, and of the original headers together (bytes); the rest of either is cut too."""


def dead_letter(message: KafkaMessage, error: InputError, stage: str, topics: Topics) -> Output:
    """The dead letter of a message.

    Parameters
    ----------
    stage : str
        The process that could not read it: `ingest` or `score`.

    Returns
    -------
    Output
        Key, value and headers as they came, unless they are too large for any message; ours are added, and
        `ccit_attempts` grows with each re-drive.
    """
    kept = _kept_headers(original_headers(message))
    key, value = _cut(message.key, MAX_EXTRA_BYTES), _cut(message.value, MAX_VALUE_BYTES)
    whole = (key, value, kept) == (message.key, message.value, original_headers(message))
    tried = min(attempts(message), MOST_ATTEMPTS) + 1
    ours = why_and_whence(message, error, stage, tried=tried, lost="" if whole else what_was(message))
    return Output(topics.dead_letters.name, key, value, kept + ours, topics.dead_letters.partition)


def why_and_whence(message: KafkaMessage, error: InputError, stage: str, *, tried: int = 1, lost: str = "") -> Headers:
    """The headers that tell of a message what a letter is for.

    Parameters
    ----------
    tried : int
        How often, this time among them.
    lost : str
        What the letter does not hold of the message; empty where it holds all that came.
    """
    ours = {
        "ccit_reason": error.reason,
        "ccit_error": error.detail,
        "ccit_topic": message.topic,
        "ccit_partition": str(message.partition),
        "ccit_offset": str(message.offset),
        "ccit_stage": stage,
        "ccit_attempts": str(tried),
    }
    if cut := (message.fault.lost if message.fault is not None else "") or lost:
        ours["ccit_cut"] = cut
    return tuple((name, text.encode("utf-8", "replace")) for name, text in ours.items())


def what_was(message: KafkaMessage) -> str:
    """A message by its size and the digest of its value, for a letter that does not hold it whole."""
    digest = hashlib.sha256(message.value or b"").hexdigest()
    return f"{message.size_bytes} bytes in all; value SHA-256 {digest}"


def attempts(message: KafkaMessage) -> int:
    """How often a message of `raw` or `records` has been tried already.

    0 for one that was never sent again: its sender may write what he likes under our names, and it says nothing.
    """
    return 0 if _numeral(message, "ccit_redriven") is None else _number(message, "ccit_attempts")


def sent_again(letter: DeadLetter) -> Headers:
    """The headers with which a letter's original is sent again: its own, how often it was tried, and the letter."""
    ours = (("ccit_attempts", str(letter.attempts).encode()), ("ccit_redriven", str(letter.number).encode()))
    return (*letter.headers, *ours)


def original_headers(message: KafkaMessage) -> Headers:
    """The headers that came with the message, without those of a dead letter."""
    return tuple((name, value) for name, value in message.headers if name not in _OWN)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter as it lies in the topic: why, whence, how often tried, and the original inside.

    `number` is its offset there; the topic has one partition, so that is its name.
    """

    number: int
    at_ms: int
    reason: str
    error: str
    stage: str
    topic: str
    partition: int
    offset: int
    attempts: int
    cut: str
    key: bytes | None
    value: bytes | None
    headers: Headers  # the original ones
    size_bytes: int  # of the value kept


def redriven_marker(letter: DeadLetter, topics: Topics) -> Output:
    """What is written beside the dead letters, in one transaction with the original, when a letter is re-driven.

    A topic cannot be changed, and without this nobody would know which letters still wait.
    """
    number = str(letter.number).encode()
    return Output(
        topics.dead_letters.name, letter.key, None, (("ccit_redriven", number),), topics.dead_letters.partition
    )


def redriven_number(message: KafkaMessage) -> int | None:
    """The letter that a marker speaks of; None for a message that is a dead letter itself."""
    return _numeral(message, "ccit_redriven") if message.header("ccit_reason") is None else None


def letter_in(message: KafkaMessage) -> DeadLetter:
    """Read a message of the dead-letters topic; what is missing or not a number there is empty or 0."""
    return DeadLetter(
        number=message.offset,
        at_ms=message.timestamp_ms,
        reason=_text(message, "ccit_reason"),
        error=_text(message, "ccit_error"),
        stage=_text(message, "ccit_stage"),
        topic=_text(message, "ccit_topic"),
        partition=_number(message, "ccit_partition"),
        offset=_number(message, "ccit_offset"),
        attempts=_number(message, "ccit_attempts"),
        cut=_text(message, "ccit_cut"),
        key=message.key,
        value=message.value,
        headers=original_headers(message),
        size_bytes=len(message.value or b""),
    )


def _text(message: KafkaMessage, name: str) -> str:
    return (message.header(name) or b"").decode("utf-8", "replace")


def _number(message: KafkaMessage, name: str) -> int:
    return _numeral(message, name) or 0


def _numeral(message: KafkaMessage, name: str) -> int | None:
    """A number of few digits; None for anything else a sender may have put there."""
    raw = message.header(name) or b""
    return int(raw) if raw.isdigit() and len(raw) <= _DIGITS else None


def _cut(content: bytes | None, limit: int) -> bytes | None:
    return content if content is None or len(content) <= limit else content[:limit]


def _kept_headers(headers: Headers) -> Headers:
    """The first headers that fit; a name and its value stay together."""
    kept, left = [], MAX_EXTRA_BYTES
    for name, value in headers:
        left -= len(name.encode("utf-8", "surrogateescape")) + len(value or b"") + 16  # lengths on the wire
        if left < 0:
            break
        kept.append((name, value))
    return tuple(kept)
