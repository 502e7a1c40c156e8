"""What OpenAI-compatible clients get back: whole answers, stream chunks, lists of models. Pure functions.

Each names the version that made it three times: `model` (`ccit@3`), `system_fingerprint` (`ccit-v3`) and the extra
field `ccit_version` (3).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import orjson

Endpoint = Literal["chat", "completion"]
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Reply:
    """The head that all parts of one answer share.

    Parameters
    ----------
    endpoint : str
        `chat` or `completion`.
    alias : str
        The alias served.
    version : int
        The version that answers.
    created : int
        Seconds since 1970.
    reply_id : str
        Unique.
    """

    endpoint: Endpoint
    alias: str
    version: int
    created: int
    reply_id: str

    @classmethod
    def begin(cls, endpoint: Endpoint, alias: str, version: int, created: int) -> Reply:
        """A reply with a fresh id."""
        prefix = "chatcmpl-" if endpoint == "chat" else "cmpl-"
        return cls(endpoint, alias, version, created, prefix + secrets.token_hex(12))

    def whole(self, text: str, finish: str, prompt_tokens: int, tokens: int) -> dict[str, Any]:
        """The answer in one piece."""
        choice: dict[str, Any] = {"index": 0, "finish_reason": finish, "logprobs": None}
        if self.endpoint == "chat":
            choice["message"] = {"role": "assistant", "content": text, "refusal": None}
        else:
            choice["text"] = text
        kind = "chat.completion" if self.endpoint == "chat" else "text_completion"
        return self._head(kind) | {"choices": [choice], "usage": usage(prompt_tokens, tokens)}

    def chunk(self, text: str, finish: str | None = None, *, first: bool = False) -> dict[str, Any]:
        """One piece of a streamed answer."""
        choice: dict[str, Any] = {"index": 0, "finish_reason": finish, "logprobs": None}
        if self.endpoint == "chat":
            choice["delta"] = ({"role": "assistant"} if first else {}) | ({"content": text} if text or first else {})
        else:
            choice["text"] = text
        return self._head(self._chunk_kind()) | {"choices": [choice]}

    def usage_chunk(self, prompt_tokens: int, tokens: int) -> dict[str, Any]:
        """The chunk without choices that `stream_options.include_usage` asks for."""
        return self._head(self._chunk_kind()) | {"choices": [], "usage": usage(prompt_tokens, tokens)}

    def _chunk_kind(self) -> str:
        return "chat.completion.chunk" if self.endpoint == "chat" else "text_completion"

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": self.reply_id,
            "object": kind,
            "created": self.created,
            "model": f"{self.alias}@{self.version}",
            "system_fingerprint": f"{self.alias}-v{self.version}",
            "ccit_version": self.version,
        }


def usage(prompt_tokens: int, tokens: int) -> dict[str, int]:
    """OpenAI's count of tokens."""
    return {"prompt_tokens": prompt_tokens, "completion_tokens": tokens, "total_tokens": prompt_tokens + tokens}


def model_entry(alias: str, version: int, created: int, *, pinned: bool) -> dict[str, Any]:
    """One row of `/v1/models`: the alias, or a version by its number."""
    name = f"{alias}@{version}" if pinned else alias
    return {"id": name, "object": "model", "created": created, "owned_by": "ccit", "ccit_version": version}


def model_list(alias: str, active: int, held: Iterable[int], created: int) -> dict[str, Any]:
    """`/v1/models`: the alias first, then every version held in memory."""
    rows = [model_entry(alias, active, created, pinned=False)]
    rows += [model_entry(alias, number, created, pinned=True) for number in held]
    return {"object": "list", "data": rows}


def event(data: dict[str, Any]) -> bytes:
    """One server-sent event.

    >>> event({"a": 1})
    b'data: {"a":1}\\n\\n'
    """
    return b"data: " + orjson.dumps(data) + b"\n\n"
