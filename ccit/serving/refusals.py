"""What a client is told when its request is not answered: OpenAI's error envelope, and what to do."""

from __future__ import annotations

import reprlib
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel

from ccit.errors import CcitError


class RequestRefused(CcitError):
    """A request that cannot be answered, with what the client needs to know.

    Parameters
    ----------
    retry_after : int | None
        Seconds after which to try again.
    """

    def __init__(
        self,
        status: int,
        message: str,
        param: str | None = None,
        code: str | None = None,
        kind: str = "invalid_request_error",
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}


def refuse_unknown(
    values: Mapping[str, Any], known: type[BaseModel], where: str = "", harmless: Collection[str] = ()
) -> None:
    """A field that nobody reads is named, as OpenAI does, for it might have changed the answer; null asks for nothing.

    Raises
    ------
    RequestRefused
        A field is neither the model's nor among those that change no answer.

    Example
    -------
    >>> class Asked(BaseModel):
    ...     max_tokens: int
    >>> refuse_unknown({"max_tokens": 1, "user": "x", "guided_json": None}, Asked, harmless=["user"])
    >>> refuse_unknown({"max_token": 1}, Asked)
    Traceback (most recent call last):
    ccit.serving.refusals.RequestRefused: Unknown parameter: 'max_token'; did you mean 'max_tokens'?
    """
    for field, value in values.items():
        if value is None or field in known.model_fields or field in harmless:
            continue
        name = f"{where}.{field}" if where else field
        near = get_close_matches(field[:80], known.model_fields, 1, 0.75)
        hint = f"; did you mean {near[0]!r}?" if near else "; it is not supported here, so leave it out"
        raise RequestRefused(400, f"Unknown parameter: {shortened(name)}{hint}", name[:80], "unknown_parameter")


def shortened(value: Any) -> str:
    """At most 80 characters, whatever its size and depth."""
    text = _SHORT.repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
