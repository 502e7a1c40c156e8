"""What OpenAI-compatible clients get back: whole answers, stream chunks, lists of models. Pure functions.

Each names the version that made it three times: `model` (`ccit@3`), `system_fingerprint` (`ccit-v3`) and the extra
field `ccit_version` (3).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from ccit.ports.serving import Delta, Drawn
from ccit.serving.logprobs import logprobs_of
from ccit.serving.scoring import weighed

Endpoint = Literal["chat", "completion", "score"]
DONE = b"data: [DONE]\n\n"


@dataclass(slots=True)
class Choice:
    """One answer, growing piece by piece."""

    text: str = ""
    tokens: int = 0
    finish: str = "stop"
    drawn: list[Drawn] = field(default_factory=list)

    def add(self, delta: Delta) -> None:
        """The next piece."""
        self.text += delta.text
        self.tokens = delta.tokens
        self.finish = delta.finish or self.finish
        if delta.drawn is not None:
            self.drawn.append(delta.drawn)


@dataclass(frozen=True)
class ReplyHead:
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
    counted : bool
        The stream ends with a chunk of `usage`, and all others say `"usage": null`, as OpenAI's do.
    """

    endpoint: Endpoint
    alias: str
    version: int
    created: int
    reply_id: str
    counted: bool = False

    @classmethod
    def begin(cls, endpoint: Endpoint, alias: str, version: int, created: int) -> ReplyHead:
        """A reply with a fresh id."""
        prefix = {"chat": "chatcmpl", "completion": "cmpl", "score": "score"}[endpoint]
        return cls(endpoint, alias, version, created, f"{prefix}-{secrets.token_hex(12)}")

    def whole(self, choices: Sequence[Choice], prompt_tokens: int) -> dict[str, Any]:
        """The answers in one piece."""
        if self.endpoint == "score":
            told = choices[0].drawn
            return self._head("score") | weighed(told) | {"usage": usage(prompt_tokens + len(told), 0)}
        shown = [self._whole_choice(number, choice) for number, choice in enumerate(choices)]
        kind = "chat.completion" if self.endpoint == "chat" else "text_completion"
        tokens = sum(choice.tokens for choice in choices)
        return self._head(kind) | {"choices": shown, "usage": usage(prompt_tokens, tokens)}

    def _whole_choice(self, number: int, choice: Choice) -> dict[str, Any]:
        shown: dict[str, Any] = {"index": number, "finish_reason": choice.finish}
        shown["logprobs"] = logprobs_of(self.endpoint, choice.drawn)
        if self.endpoint == "chat":
            shown["message"] = {"role": "assistant", "content": choice.text, "refusal": None}
        else:
            shown["text"] = choice.text
        return shown

    def first_chunk(self, number: int) -> dict[str, Any]:
        """Who speaks: a streamed chat begins with it, choice by choice."""
        return self._chunk({**_choice(number), "delta": {"role": "assistant", "content": ""}})

    def chunk(self, number: int, delta: Delta, offset: int = 0) -> dict[str, Any]:
        """One piece of a streamed choice; `offset` characters came before it."""
        shown = _choice(number, delta.finish)
        if delta.drawn is not None:
            shown["logprobs"] = logprobs_of(self.endpoint, [delta.drawn], offset)
        if self.endpoint == "chat":
            shown["delta"] = {"content": delta.text} if delta.text else {}
        else:
            shown["text"] = delta.text
        return self._chunk(shown)

    def _chunk(self, choice: dict[str, Any]) -> dict[str, Any]:
        empty = {"usage": None} if self.counted else {}
        return self._head(self._chunk_kind()) | {"choices": [choice], **empty}

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


def _choice(number: int, finish: str | None = None) -> dict[str, Any]:
    return {"index": number, "finish_reason": finish, "logprobs": None}


def usage(prompt_tokens: int, tokens: int) -> dict[str, int]:
    """OpenAI's count of tokens."""
    return {"prompt_tokens": prompt_tokens, "completion_tokens": tokens, "total_tokens": prompt_tokens + tokens}


def model_entry(alias: str, version: int, created: int, *, pinned: bool) -> dict[str, Any]:
    """One row of `/v1/models`: the alias, or a version by its number."""
    name = f"{alias}@{version}" if pinned else alias
    return {"id": name, "object": "model", "created": created, "owned_by": "ccit", "ccit_version": version}


def state_of(version: int, active: int, digest: str) -> dict[str, str]:
    """What else is known of a version: `active` or `held` in memory, and the digest of its adapter (none: empty)."""
    return {"ccit_state": "active" if version == active else "held", "ccit_digest": digest}


def model_list(alias: str, active: int, digests: Mapping[int, str], created: int) -> dict[str, Any]:
    """`/v1/models`: the alias first, then every version held in memory, each with its digest."""
    named = [(active, False), *((number, True) for number in sorted(digests))]
    rows = [
        model_entry(alias, number, created, pinned=pinned) | state_of(number, active, digests.get(number, ""))
        for number, pinned in named
    ]
    return {"object": "list", "data": rows}


def event(data: dict[str, Any]) -> bytes:
    """One server-sent event.

    >>> event({"a": 1})
    b'data: {"a":1}\\n\\n'
    """
    return b"data: " + orjson.dumps(data) + b"\n\n"
