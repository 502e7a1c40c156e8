"""What a message says of itself before anything is parsed: whether it came whole, and its content type.

The header `content-type` is optional.
"""

from __future__ import annotations

from ccit.errors import InputError
from consumers.kafka.messages import KafkaMessage

JSON_TYPES = ("", "application/json", "application/x-ndjson")


def content_type(message: KafkaMessage) -> str:
    """The type in lower case without parameters; empty where there is none.

    Parameters after `;` do not count, nor does the case of the type (RFC 9110, section 8.3.1) or of the header's name
    (section 5.1), which bridges from HTTP pass on as they find it.

    Raises
    ------
    InputError
        The reason of the message's fault, where it did not come whole.

    >>> content_type(KafkaMessage("t", 0, 0, None, b"{}", (("Content-Type", b"Application/JSON; charset=utf-8"),)))
    'application/json'
    """
    if message.fault is not None:
        raise InputError(message.fault.reason, message.fault.detail)
    found = [value for name, value in message.headers if name.lower() == "content-type"]
    return ((found or [b""])[-1] or b"").decode("utf-8", "replace").split(";")[0].strip().lower()


def require_json(message: KafkaMessage) -> None:
    """Return when a message says that it is JSON, or says nothing. Raises `InputError`, else `unsupported_type`."""
    said = content_type(message)
    if said not in JSON_TYPES:
        raise InputError("unsupported_type", f"expected JSON, found content type {said[:80]!r}")
