"""What finds clinical documents in a message of `ccit.clinical`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from ccit.clinical import ClinicalDocument
from ccit.ports.ingest import RawMessage


@dataclass(frozen=True, slots=True)
class ClinicalContext:
    """What every reader of clinical messages may know: the largest message in bytes."""

    max_bytes: int


class ClinicalReader(Protocol):
    """Turns one message into any number of clinical documents; identified, so only de-identification asks it.

    Readers are asked in the order of their kinds; the first that accepts a message is the one that reads it.
    """

    def accepts(self, content_type: str, head: bytes) -> bool:
        """Whether a message of this type with these first bytes (at most 64) is for this reader."""

    def documents(self, message: RawMessage) -> Iterable[ClinicalDocument]:
        """The message's documents, in order; the same message gives the same documents.

        Raises `InputError`, in a sentence that never quotes the message, where it cannot be read; then the whole
        message is one dead letter.
        """
