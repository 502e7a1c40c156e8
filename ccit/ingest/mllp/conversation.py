"""One connection: bytes in, messages to be stored, answers out; each message answered once at most, in order.

The order matters to senders that do not compare MSA-2 with what they sent. An answer waits until those before it are
known, so the listener may store many messages at once.
"""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from ccit.ingest.mllp.answers import Header, Outcome, answer, code_for
from ccit.ingest.mllp.framing import Frame, Framer
from ccit.ingest.mllp.reception import Received, received

_OWN_ID_LENGTH = 20  # the most that all versions of HL7 v2 allow


@dataclass(slots=True)
class _Heard:
    """What an answer needs of a message, and nothing else: the messages themselves would fill the memory."""

    header: Header
    digest: bytes = field(repr=False)
    outcome: Outcome | None
    said: str

    def answered(self, outcome: Outcome, at: float) -> bytes:
        """Its answer, of an own id that is the same for the same answer to the same message."""
        own_id = hashlib.sha256(outcome.encode() + self.digest).hexdigest()[:_OWN_ID_LENGTH]
        return answer(self.header, outcome, self.said, own_id, at)


class Conversation:
    r"""What is said on one connection.

    Parameters
    ----------
    max_bytes : int
        Longest message.
    said : Counter[str], optional
        Answers are counted there, by their code; "none" where the sender wants none.

    Example
    -------
    >>> talk = Conversation(2000)
    >>> (number, message), = talk.hear(b"\x0bMSH|^~\\&|LAB|NORTH|||2026||ORU^R01|7|P|2.5\r\x1c\r")
    >>> talk.answers(0.0)
    b''
    >>> talk.settle(number, "stored")
    >>> b"MSA|AA|7" in talk.answers(0.0)
    True
    """

    def __init__(self, max_bytes: int, said: Counter[str] | None = None) -> None:
        self._framer = Framer(max_bytes)
        self._waiting: OrderedDict[int, _Heard] = OrderedDict()
        self._next = 0
        self.said = Counter[str]() if said is None else said

    @property
    def unfinished(self) -> bool:
        """Whether a message has begun and not ended."""
        return self._framer.unfinished

    @property
    def begun(self) -> int:
        """How many messages have begun so far."""
        return self._framer.begun

    @property
    def waiting(self) -> int:
        """Messages that are not answered yet."""
        return len(self._waiting)

    def hear(self, piece: bytes) -> list[tuple[int, Received]]:
        """The messages that this piece ends and that are to be stored, each with the number to settle it by."""
        return self._taken(self._framer.feed(piece))

    def give_up(self) -> None:
        """The message that has begun will not end: it is refused."""
        frame = self._framer.give_up()
        self._taken([frame] if frame is not None else [])

    def settle(self, number: int, outcome: Outcome, said: str = "") -> None:
        """What became of a message. Raises `KeyError` for one that was settled and answered already."""
        heard = self._waiting[number]
        if heard.outcome is None:
            heard.outcome, heard.said = outcome, said

    def answers(self, at: float) -> bytes:
        """What is to be sent now: the answers of all messages that are settled, up to the first that is not.

        Parameters
        ----------
        at : float
            Seconds since 1970.
        """
        sent = bytearray()
        while self._waiting:
            number, heard = next(iter(self._waiting.items()))
            if heard.outcome is None:
                break
            del self._waiting[number]
            self.said[code_for(heard.header, heard.outcome) or "none"] += 1
            sent += heard.answered(heard.outcome, at)
        return bytes(sent)

    def _taken(self, frames: Iterable[Frame]) -> list[tuple[int, Received]]:
        to_store: list[tuple[int, Received]] = []
        for frame in frames:
            message = received(frame)
            if message.silent:
                continue
            digest = hashlib.sha256(message.value).digest()
            self._waiting[self._next] = _Heard(message.header, digest, message.outcome, message.said)
            if message.outcome is None:
                to_store.append((self._next, message))
            self._next += 1
        return to_store
