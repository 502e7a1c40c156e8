"""The body of a request, bounded in size and in how slowly it may come."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

from ccit.serving.edge import CLIENT_GONE
from ccit.serving.protocol import MAX_BODY_BYTES
from ccit.serving.refusals import RequestRefused


async def body_of(request: Request, seconds: float) -> bytes:
    """The whole body; each piece of it may take `seconds`.

    Raises
    ------
    RequestRefused
        It is too large, came too slowly, or its sender went away.
    """
    body, pieces = bytearray(), request.stream()
    try:
        while True:
            async with asyncio.timeout(seconds):
                body += await anext(pieces)
            if len(body) > MAX_BODY_BYTES:
                raise RequestRefused(413, f"the body is larger than {MAX_BODY_BYTES} bytes", code="body_too_large")
    except StopAsyncIteration:
        return bytes(body)
    except TimeoutError as error:
        raise RequestRefused(408, f"no more of the body came within {seconds:g} s", code="timeout") from error
    except ClientDisconnect as error:
        raise RequestRefused(CLIENT_GONE, "the client went away while sending") from error
