import asyncio
from typing import Any

import pytest
from starlette.requests import Request

from ccit.serving.body import body_of
from ccit.serving.refusals import RequestRefused


def body(*messages: dict[str, Any]) -> bytes:
    coming = iter(messages)

    async def receive() -> dict[str, Any]:
        message = next(coming, None)
        return await asyncio.Event().wait() if message is None else message  # type: ignore[return-value]  # never returns

    return asyncio.run(body_of(Request({"type": "http", "headers": []}, receive), 0.01))


def piece(content: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": content, "more_body": more}


def test_pieces_are_joined() -> None:
    assert body(piece(b"a"), piece(b""), piece(b"b", more=False)) == b"ab"


@pytest.mark.parametrize(
    ("messages", "status"),
    [
        ([piece(b"a")], 408),
        ([piece(b"a" * 3_000_000), piece(b"b" * 1_000_001)], 413),
        ([piece(b"a"), {"type": "http.disconnect"}], 499),
    ],
)
def test_what_does_not_come_whole_is_refused(messages: list[dict[str, Any]], status: int) -> None:
    with pytest.raises(RequestRefused) as caught:
        body(*messages)
    assert caught.value.status == status
