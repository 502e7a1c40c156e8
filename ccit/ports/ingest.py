"""What reads messages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from ccit.records import Record


@dataclass(frozen=True, slots=True)
class RawMessage:
    """One message of `raw`: its content type (lower case, without parameters, empty for none), its bytes, its time.

    `received_at` is in seconds since 1970.
    """

    content_type: str = field(repr=False)
    value: bytes | None = field(repr=False)
    received_at: float


@dataclass(frozen=True, slots=True)
class ReaderContext:
    """What every reader may know: the largest message in bytes."""

    max_bytes: int


class Reader(Protocol):
    """Turns one message into any number of records.

    Readers are asked in the order of their kinds, those with `fallback` last; the first that accepts a message is the
    one that reads it.
    """

    @property
    def fallback(self) -> bool:
        """Whether it takes what no other reader wanted."""

    def accepts(self, content_type: str, head: bytes) -> bool:
        """Whether a message of this type with these first bytes (at most 64) is for this reader."""

    def records(self, message: RawMessage) -> Iterable[Record]:
        """The message's records, in order; the same message gives the same records.

        Raises `InputError` where it cannot be read; then the whole message is one dead letter.
        """
