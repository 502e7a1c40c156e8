"""Which content types the consumers read; the header is optional, and a wrong one is refused before any parsing."""

from __future__ import annotations

from ccit.errors import InputError
from consumers.kafka.messages import Message

READABLE_TYPES = ("", "application/json", "application/x-ndjson")


def require_json(message: Message) -> None:
    """Return when a message says that it is JSON, or says nothing.

    Parameters after `;` do not count, nor does the case (RFC 9110, section 8.3.1).

    Raises
    ------
    InputError
        `unsupported_type`.

    >>> require_json(Message("t", 0, 0, None, b"{}", (("content-type", b"Application/JSON; charset=utf-8"),)))
    """
    said = (message.header("content-type") or b"").decode("utf-8", "replace").split(";")[0].strip().lower()
    if said not in READABLE_TYPES:
        raise InputError("unsupported_type", f"expected JSON instruction rows, found content type {said[:80]!r}")
