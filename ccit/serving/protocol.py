"""What OpenAI-compatible clients send, as validated models.

A field is done, or refused by name, or changes no answer (`user`, `metadata`, `store`); none is passed over in silence.
Beyond OpenAI's, with vLLM's names and meaning: `top_k`, `min_p`, `repetition_penalty`, `min_tokens`, and
`continue_final_message`, which goes on with a last message of the assistant.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ccit.bounds import require_affordable, require_shallow
from ccit.errors import InputError
from ccit.ports.serving import Sampling
from ccit.serving.answer_format import ResponseFormat
from ccit.serving.messages import MAX_MESSAGES, ChatMessage
from ccit.serving.refusals import RequestRefused, refuse_unknown, shortened

BASE = "base"
"""The model without an adapter, by name; it is `alias@0` too."""

MAX_BODY_BYTES = 4_000_000  # far above any context window; a larger body is refused before it is parsed
_ALWAYS_AFFORDABLE_BYTES = 16_000_000  # a prompt of 131,072 token ids is taken for 8 million
MAX_STOPS = 4  # OpenAI's limit
MAX_CHOICES = 8  # they share one turn, so that none waits for another while it holds memory
_MAX_BIASES = 1024
_MAX_DIGITS = 18  # of a version's number: Python refuses to read thousands of them
_MAX_TOP_LOGPROBS = {"chat": 20, "completion": 5}  # OpenAI's limits

# Asks for nothing that changes an answer here: who asks, what is kept of it, what it costs, how fast it comes.
_HARMLESS = (
    *("user", "metadata", "store", "service_tier", "safety_identifier", "prediction"),
    *("prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"),
)
# Known and not supported -> the values that ask for nothing.
_NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "best_of": (1,),
    "echo": (False,),
    "suffix": ("",),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "parallel_tool_calls": (True, False),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "modalities": (["text"],),
    "add_generation_prompt": (True,),
}

_Penalty = Annotated[float, Field(ge=-2, le=2)]


class StreamOptions(BaseModel):
    """What a stream carries besides the text."""

    include_usage: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: Any) -> Any:
        if isinstance(values, dict):
            refuse_unknown(values, cls, "stream_options", harmless=("include_obfuscation",))
        return values


class _Request(BaseModel, ABC):
    model_config = ConfigDict(extra="ignore", strict=True)
    endpoint: ClassVar[Literal["chat", "completion"]]

    model: str
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: int | None = None
    stop: str | Annotated[list[str], Field(fail_fast=True)] | None = None
    n: Annotated[int, Field(ge=1, le=MAX_CHOICES)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    presence_penalty: _Penalty | None = None
    frequency_penalty: _Penalty | None = None
    logit_bias: Annotated[dict[str, Annotated[float, Field(ge=-100, le=100)]], Field(max_length=_MAX_BIASES)] | None = (
        None
    )
    response_format: ResponseFormat | None = None
    top_k: Annotated[int, Field(ge=-1)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Field(gt=0, le=100)] | None = None
    min_tokens: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_unsupported(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for field, neutral in _NEUTRAL.items():
                value = values.get(field)
                if value is not None and value not in neutral and not cls._takes(field, values):
                    what = f"{field} = {shortened(value)} is not supported here"
                    raise RequestRefused(400, what, field, "unsupported_value")
            refuse_unknown(values, cls, harmless=(*_HARMLESS, *_NEUTRAL))
        return values

    @classmethod
    def _takes(cls, field: str, values: Mapping[str, Any]) -> bool:
        """Whether a value that asks for something asks for what is done anyway."""
        return field == "best_of" and values["best_of"] == values.get("n")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.stops()) > MAX_STOPS:
            raise RequestRefused(400, f"stop may hold {MAX_STOPS} texts, found {len(self.stops())}", "stop")
        if self.stream_options is not None and not self.stream:
            raise RequestRefused(400, "stream_options is for requests with 'stream': true", "stream_options")
        formed = self.response_format is not None and self.response_format.type != "text"
        if self.min_tokens and (formed or self.stops()):
            raise RequestRefused(400, "min_tokens goes with neither stop nor response_format", "min_tokens")
        return self

    def stops(self) -> tuple[str, ...]:
        """The stop texts, empty ones left out."""
        texts = [self.stop] if isinstance(self.stop, str) else (self.stop or [])
        return tuple(text for text in texts if text)

    @abstractmethod
    def likeliest(self) -> int | None:
        """How many of the likeliest tokens to name beside each; None where no logprobs are asked for."""

    def samplings(self, limit: int, vocabulary: int) -> list[Sampling]:
        """How each choice is to be drawn; choice k of a seeded request has the seed plus k.

        Parameters
        ----------
        limit : int
            Tokens at most.
        vocabulary : int
            Token ids are below this.

        Raises
        ------
        RequestRefused
            `logit_bias` names no token, or the schema cannot be followed.
        """
        one = Sampling(
            max_tokens=limit,
            temperature=1.0 if self.temperature is None else self.temperature,
            top_p=self.top_p or 1.0,
            stop=self.stops(),
            top_k=max(self.top_k or 0, 0),
            min_p=self.min_p or 0.0,
            presence_penalty=self.presence_penalty or 0.0,
            frequency_penalty=self.frequency_penalty or 0.0,
            repetition_penalty=self.repetition_penalty or 1.0,
            logit_bias=self._biases(vocabulary),
            min_tokens=self.min_tokens or 0,
            logprobs=self.likeliest(),
            json_schema=None if self.response_format is None else self.response_format.schema_text(),
        )
        seeds = [None if self.seed is None else self.seed + choice for choice in range(self.n or 1)]
        return [replace(one, seed=seed) for seed in seeds]

    def _biases(self, vocabulary: int) -> tuple[tuple[int, float], ...]:
        found = list[tuple[int, float]]()
        for key, bias in (self.logit_bias or {}).items():
            number = key.isascii() and key.isdigit() and len(key) <= _MAX_DIGITS
            if not number or int(key) >= vocabulary:
                what = f"logit_bias: {shortened(key)} is no token id of 0..{vocabulary - 1}"
                raise RequestRefused(400, what, "logit_bias")
            found.append((int(key), bias))
        return tuple(found)


class ChatRequest(_Request):
    """`POST /v1/chat/completions`."""

    endpoint: ClassVar[Literal["chat", "completion"]] = "chat"

    messages: Annotated[list[ChatMessage], Field(fail_fast=True, min_length=1, max_length=MAX_MESSAGES)]
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=_MAX_TOP_LOGPROBS["chat"])] | None = None
    continue_final_message: bool | None = None

    @classmethod
    def _takes(cls, field: str, values: Mapping[str, Any]) -> bool:
        goes_on = field == "add_generation_prompt" and values.get("continue_final_message") is True
        return goes_on or super()._takes(field, values)

    @model_validator(mode="after")
    def _consistent_chat(self) -> Self:
        if self.top_logprobs and not self.logprobs:
            raise RequestRefused(400, "top_logprobs is for requests with 'logprobs': true", "top_logprobs")
        if self.continue_final_message and self.messages[-1].role != "assistant":
            what = "continue_final_message goes on with a last message of the assistant; the last one is the "
            raise RequestRefused(400, what + self.messages[-1].role + "'s", "continue_final_message")
        return self

    def limit(self) -> int | None:
        """Tokens asked for; OpenAI's newer name wins."""
        return self.max_completion_tokens or self.max_tokens

    def likeliest(self) -> int | None:
        """`top_logprobs` of a request with `logprobs`."""
        return (self.top_logprobs or 0) if self.logprobs else None


class CompletionRequest(_Request):
    """`POST /v1/completions`; the prompt is text or token ids, one per request."""

    endpoint: ClassVar[Literal["chat", "completion"]] = "completion"

    prompt: (
        str
        | Annotated[list[str], Field(fail_fast=True, min_length=1, max_length=1)]
        | Annotated[list[int], Field(fail_fast=True, min_length=1)]
    )
    logprobs: Annotated[int, Field(ge=0, le=_MAX_TOP_LOGPROBS["completion"])] | None = None

    def limit(self) -> int | None:
        """Tokens asked for; OpenAI's default for this endpoint is 16."""
        return self.max_tokens or 16

    def likeliest(self) -> int | None:
        """`logprobs` is the number."""
        return self.logprobs


Completing = TypeVar("Completing", ChatRequest, CompletionRequest)
Parsed = TypeVar("Parsed", bound=BaseModel)


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
        raise RequestRefused(400, f"{param}: {first['msg']} (found {shortened(first['input'])})", param) from error


def parse_model(name: str, alias: str) -> int | None:
    """`ccit` -> None (whatever is active), `ccit@3` -> 3, `base` -> 0.

    Raises
    ------
    RequestRefused
        404, as OpenAI answers for an unknown model.
    """
    if name == alias:
        return None
    if name == BASE:
        return 0
    head, at, number = name.rpartition("@")
    if at and head == alias and number.isascii() and number.isdigit() and len(number) <= _MAX_DIGITS:
        return int(number)
    asked = shortened(name)
    raise unknown_model(f"the model {asked} does not exist here; ask for {alias!r} or a version such as '{alias}@1'")


def unknown_model(message: str) -> RequestRefused:
    """OpenAI's answer for a model that is not there."""
    return RequestRefused(404, message, "model", "model_not_found")
