"""What OpenAI-compatible clients send: requests as validated models, failures as OpenAI's error envelope.

Fields that would change the answer and are not supported here (`n`, `logprobs`, `tools`, penalties, ...) are refused by
name; fields that ask for nothing that matters here (`user`, `metadata`, `store`) are let pass.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ccit.bounds import require_affordable, require_shallow
from ccit.errors import CcitError, InputError

MAX_BODY_BYTES = 4_000_000  # far above any context window; a larger body is refused before it is parsed
_ALWAYS_AFFORDABLE_BYTES = 16_000_000  # a prompt of 131,072 token ids is taken for 8 million
MAX_STOPS = 4  # OpenAI's limit
MAX_MESSAGES = 10_000  # and as many parts in each; a chat of 128,000 tokens has fewer
_MAX_DIGITS = 18  # of a version's number: Python refuses to read thousands of them

# Unsupported field -> the value that asks for nothing.
_NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "n": (1,),
    "best_of": (1,),
    "logprobs": (False, 0),
    "top_logprobs": (0,),
    "echo": (False,),
    "suffix": ("",),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "response_format": ({"type": "text"},),
}


class RequestRefused(CcitError):
    """A request that cannot be answered, with what the client needs to know."""

    def __init__(
        self,
        status: int,
        message: str,
        param: str | None = None,
        code: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}


class _Part(BaseModel):
    type: Literal["text"]
    text: str


class Message(BaseModel):
    """One chat message; content is text, or parts of text."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | Annotated[list[_Part], Field(fail_fast=True, max_length=MAX_MESSAGES)]

    def plain(self) -> dict[str, str]:
        """As chat templates want it."""
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return {"role": "system" if self.role == "developer" else self.role, "content": text}


class StreamOptions(BaseModel):
    """What a stream carries besides the text."""

    include_usage: bool = False


class _Request(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    model: str
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: int | None = None
    stop: str | Annotated[list[str], Field(fail_fast=True)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_unsupported(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for field, neutral in _NEUTRAL.items():
                value = values.get(field)
                if value is not None and value not in neutral:
                    what = f"{field} = {_short(value)} is not supported here"
                    raise RequestRefused(400, what, field, "unsupported_value")
        return values

    @model_validator(mode="after")
    def _few_stops(self) -> Self:
        if len(self.stops()) > MAX_STOPS:
            raise RequestRefused(400, f"stop may hold {MAX_STOPS} texts, found {len(self.stops())}", "stop")
        return self

    def stops(self) -> tuple[str, ...]:
        """The stop texts, empty ones left out."""
        texts = [self.stop] if isinstance(self.stop, str) else (self.stop or [])
        return tuple(text for text in texts if text)


class ChatRequest(_Request):
    """`POST /v1/chat/completions`."""

    messages: Annotated[list[Message], Field(fail_fast=True, min_length=1, max_length=MAX_MESSAGES)]
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None

    def limit(self) -> int | None:
        """Tokens asked for; OpenAI's newer name wins."""
        return self.max_completion_tokens or self.max_tokens


class CompletionRequest(_Request):
    """`POST /v1/completions`; the prompt is text or token ids, one per request."""

    prompt: (
        str
        | Annotated[list[str], Field(fail_fast=True, min_length=1, max_length=1)]
        | Annotated[list[int], Field(fail_fast=True, min_length=1)]
    )

    def limit(self) -> int | None:
        """Tokens asked for; OpenAI's default for this endpoint is 16."""
        return self.max_tokens or 16


Parsed = TypeVar("Parsed", ChatRequest, CompletionRequest)


def parse(kind: type[Parsed], body: bytes) -> Parsed:
    """Read a request.

    Raises
    ------
    RequestRefused
        Not JSON, more of it than memory is good for, or a field is missing, of the wrong type, out of range or
        unsupported.

    Example
    -------
    >>> parse(CompletionRequest, b'{"model": "ccit", "prompt": "Hi"}').limit()
    16
    """
    try:
        require_affordable(body, _ALWAYS_AFFORDABLE_BYTES)
        values = orjson.loads(body)
        require_shallow(values)
    except orjson.JSONDecodeError as error:
        raise RequestRefused(400, f"the body is not valid JSON: {error}", code="invalid_json") from error
    except InputError as error:
        raise RequestRefused(400, f"the body: {error.detail}", code=error.reason) from error
    if not isinstance(values, dict):
        raise RequestRefused(400, f"the body must be a JSON object, found {type(values).__name__}")
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        param = ".".join(str(part) for part in first["loc"])
        raise RequestRefused(400, f"{param}: {first['msg']} (found {_short(first['input'])})", param) from error


def parse_model(name: str, alias: str) -> int | None:
    """`ccit` -> None (whatever is active), `ccit@3` -> 3.

    Raises
    ------
    RequestRefused
        404, as OpenAI answers for an unknown model.
    """
    if name == alias:
        return None
    head, at, number = name.rpartition("@")
    if at and head == alias and number.isascii() and number.isdigit() and len(number) <= _MAX_DIGITS:
        return int(number)
    asked = _short(name)
    raise unknown_model(f"the model {asked} does not exist here; ask for {alias!r} or a version such as '{alias}@1'")


def unknown_model(message: str) -> RequestRefused:
    """OpenAI's answer for a model that is not there."""
    return RequestRefused(404, message, "model", "model_not_found")


def _short(value: Any) -> str:
    """At most 80 characters, whatever its size and depth."""
    text = _SHORT.repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
