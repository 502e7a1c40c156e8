"""What is refused before any parsing: what did not come whole, and a content type that is not read.

The header `content-type` is optional.
"""

from __future__ import annotations

from ccit.errors import InputError
from consumers.kafka.messages import Message

READABLE_TYPES = ("", "application/json", "application/x-ndjson")


def require_json(message: Message) -> None:
    """Return when a message came whole and says that it is JSON, or says nothing.

    Parameters after `;` do not count, nor does the case of the type (RFC 9110, section 8.3.1) or of the header's name
    (section 5.1), which bridges from HTTP pass on as they find it.

    Raises
    ------
    InputError
        `unsupported_type`, or the reason of the message's fault.

    >>> require_json(Message("t", 0, 0, None, b"{}", (("Content-Type", b"Application/JSON; charset=utf-8"),)))
    """
    if message.fault is not None:
        raise InputError(message.fault.reason, message.fault.detail)
    found = [value for name, value in message.headers if name.lower() == "content-type"]
    said = ((found or [b""])[-1] or b"").decode("utf-8", "replace").split(";")[0].strip().lower()
    if said not in READABLE_TYPES:
        raise InputError("unsupported_type", f"expected JSON instruction rows, found content type {said[:80]!r}")
