"""Reading the dead letters, and sending originals back to the topic they came from once the cause is mended."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from ccit.deidentify.documents import REASON as IDENTIFYING
from ccit.errors import ConfigError
from consumers.connection import commit_protocol
from consumers.dead_letters import DeadLetter, letter_in, redriven_marker, redriven_number, sent_again
from consumers.kafka.clients import KafkaSettings, group_consumer
from consumers.kafka.follower import Follower
from consumers.kafka.messages import EXPIRED, Output
from consumers.kafka.topics import Topics

MAX_ATTEMPTS = 5
"""A letter that came back this often is refused: what reads it is not mended, or nothing can read it."""

_BATCH_BYTES = 32 * 1024 * 1024  # originals per transaction, at most


@dataclass(frozen=True, slots=True)
class Overview:
    """All dead letters without their values, in order, and the numbers of those that were re-driven."""

    letters: tuple[DeadLetter, ...]
    redriven: frozenset[int]

    def waiting(self) -> tuple[DeadLetter, ...]:
        """Those that were not re-driven yet."""
        return tuple(letter for letter in self.letters if letter.number not in self.redriven)


def overview(settings: KafkaSettings) -> Overview:
    """Read the dead-letters topic to its end. Raises `BrokerUnavailable`."""
    letters: list[DeadLetter] = []
    redriven: set[int] = set()
    with Follower(settings, Topics(settings.prefix).dead_letters) as follower:
        for message in (message for batch in follower.to_end() for message in batch):
            done = redriven_number(message)
            if done is None:
                letters.append(replace(letter_in(message), key=None, value=None, headers=()))
            else:
                redriven.add(done)
    return Overview(tuple(letters), frozenset(redriven))


def whole_letter(settings: KafkaSettings, number: int) -> DeadLetter:
    """One dead letter with everything in it.

    Raises
    ------
    ConfigError
        There is none of that number.
    """
    for letter in whole_letters(settings, {number}):
        return letter
    raise ConfigError(f"there is no dead letter {number}; `ccit dead-letters list` shows which there are")


def whole_letters(settings: KafkaSettings, numbers: Collection[int]) -> Iterator[DeadLetter]:
    """The dead letters of these numbers with everything in them, in order, one in memory at a time."""
    if not numbers:
        return
    topic = Topics(settings.prefix).dead_letters
    with Follower(settings, topic, {topic.partition or 0: min(numbers)}) as follower:
        for message in (message for batch in follower.to_end() for message in batch):
            if message.offset > max(numbers):
                return
            if message.offset in numbers and redriven_number(message) is None:
                yield letter_in(message)


def refusal(letter: DeadLetter, redriven: Collection[int], topics: Topics, force: bool) -> str:
    """Why a letter is not re-driven; empty when it is. `force` overrides attempts and an earlier re-drive alone."""
    readable = [topic.name for topic in (topics.documents, topics.raw, topics.records, topics.releases)]
    if letter.topic not in readable:
        return f"it came from {letter.topic or 'nowhere'}, not from {', '.join(readable[:-1])} or {readable[-1]}"
    if letter.cut:
        if letter.reason == EXPIRED:
            return f"its originals were deleted by the topic's retention ({letter.cut})"
        if letter.reason == IDENTIFYING:
            return f"it holds nothing of its original, which may identify somebody ({letter.cut})"
        return f"it was too large to be kept whole ({letter.cut}); the original may still be where it came from"
    if force:
        return ""
    if letter.number in redriven:
        return "it was re-driven already; --force does it again"
    if letter.attempts >= MAX_ATTEMPTS:
        return f"it was tried {letter.attempts} times, the most is {MAX_ATTEMPTS}; --force tries again"
    return ""


def redrive(settings: KafkaSettings, numbers: Collection[int], on_sent: Callable[[int], None] = lambda _: None) -> int:
    """Send these letters' originals back, each with the number of its attempts; how many were sent.

    Each original and the marker that says so are one transaction where the broker has them; without, a crash in
    between may send an original twice, which is then decided once.

    Parameters
    ----------
    on_sent : Callable[[int], None]
        Told the running number.

    Raises
    ------
    Fenced
        Another re-drive began.
    BatchAborted
        The letters at hand were not sent, and can be sent again; those that were told of were sent.
    TransactionFailed
        As before, but one can never be written; or the broker did not answer, and the letters at hand may have been
        sent.
    BrokerUnavailable
        No broker answers.
    """
    topics = Topics(settings.prefix)
    sent, batch, size = 0, list[DeadLetter](), 0
    protocol = commit_protocol(settings, "redrive")
    consumer = group_consumer(settings, f"{settings.prefix}redrive")  # never joins: no offsets move here

    def write() -> int:
        markers = [redriven_marker(letter, topics) for letter in batch]
        protocol.commit([*map(original, batch), *markers], (), consumer)
        return len(batch)

    try:
        for letter in whole_letters(settings, numbers):
            batch.append(letter)
            size += letter.size_bytes
            if size >= _BATCH_BYTES or len(batch) >= 100:
                sent += write()
                on_sent(sent)
                batch, size = [], 0
        if batch:
            sent += write()
            on_sent(sent)
    finally:
        consumer.close()
        protocol.close()
    return sent


def original(letter: DeadLetter) -> Output:
    """The message as it first came, to be sent again; the key chooses the partition."""
    return Output(letter.topic, letter.key, letter.value, sent_again(letter))
