"""An OpenAI-compatible endpoint: one request, asked again a bounded number of times, and what its errors mean.

The client's own retries are off. What may heal (no connection, a timeout, 408, 409, 429, 5xx) is asked again after a
growing pause, or after the one that the endpoint names. Then it is decided whose fault it is:

- the request's, where the endpoint refuses it (400, 413, 422), or does not get through this one while it answers
  others: `Unanswered`, one dead letter;
- the endpoint's or the configuration's, where it answers nothing (or 401, 403, 404): `EndpointUnavailable`, which ends
  the process. Nothing is lost, and no document is given up because a server was down.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import openai

from ccit.errors import EndpointUnavailable, InputError
from ccit.generation.asking import Answer, Request

if TYPE_CHECKING:
    import httpx2

logger = logging.getLogger("ccit.generate")

UNANSWERED = "unanswered"
"""Of a dead letter: the endpoint refused this request, or got through others and not through it."""

_REFUSES_REQUEST = {400, 413, 422}
_REFUSES_ALL = {401, 403, 404}
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 60.0


class Unanswered(InputError):
    """The endpoint has no answer to this one request."""

    def __init__(self, detail: str) -> None:
        super().__init__(UNANSWERED, detail)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long an answer is waited for, and how often it is asked for.

    Parameters
    ----------
    timeout_s : float
        Seconds for one request, from the first byte sent to the last byte read.
    attempts : int
        How often it is asked at most.
    """

    timeout_s: float = 120.0
    attempts: int = 4


class Endpoint:
    """Asks over HTTP.

    Parameters
    ----------
    base_url : str
        `http://host:port/v1`.
    key : str
        Sent as a bearer token.
    pause : callable
        Waits for seconds; it may raise when the process is to end.
    http : httpx2.AsyncClient, optional
        What carries the requests; the client makes its own without one.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        retries: RetryPolicy,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        self._client = openai.AsyncOpenAI(
            base_url=base_url, api_key=key or "none", max_retries=0, timeout=retries.timeout_s, http_client=http
        )
        self._base_url = base_url
        self._retries = retries
        self._pause = pause
        self._answered = 0

    async def ask(self, request: Request) -> Answer:
        """The answer.

        Raises
        ------
        Unanswered
            To this request there is none.
        EndpointUnavailable
            The endpoint answers nothing.
        """
        before, said = self._answered, ""
        for attempt in range(1, self._retries.attempts + 1):
            try:
                answer = await self._once(request)
            except (openai.OpenAIError, TimeoutError) as error:
                said = _told(error)
                status = error.status_code if isinstance(error, openai.APIStatusError) else 0
                if status in _REFUSES_REQUEST:
                    raise Unanswered(f"expected an answer, but the endpoint refused the request with {said}") from None
                if status in _REFUSES_ALL:
                    raise self._unavailable(said) from None
                logger.info("attempt %d of %d: the endpoint gave no answer (%s)", attempt, self._retries.attempts, said)
                if attempt < self._retries.attempts:
                    await self._pause(_pause_s(error, attempt))
            else:
                self._answered += 1
                return answer
        if self._answered > before:
            raise Unanswered(
                f"expected an answer within {self._retries.attempts} attempts, found {said} each time while other "
                "requests were answered"
            )
        raise self._unavailable(said)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    async def _once(self, request: Request) -> Answer:
        drawn = request.sampling
        messages: Any = [dict(message) for message in request.messages]  # the client's own types name each role
        form: Any = {
            "type": "json_schema",
            "json_schema": {"name": "reply", "strict": True, "schema": dict(request.schema)},
        }
        async with asyncio.timeout(self._retries.timeout_s):
            made = await self._client.chat.completions.create(
                model=drawn.model,
                messages=messages,
                max_tokens=drawn.max_tokens,
                temperature=drawn.temperature,
                seed=drawn.seed,
                response_format=form,
            )
        return _answer_in(made)

    def _unavailable(self, said: str) -> EndpointUnavailable:
        return EndpointUnavailable(
            f"expected answers from {self._base_url}, found {said}; nothing is lost: check generation.base_url, "
            "generation.model and generation.key_file, and start again when it answers"
        )


def _answer_in(made: Any) -> Answer:
    """What an endpoint that is only nearly compatible sends may have holes; each is an answer that is no use."""
    choices = getattr(made, "choices", None) or []
    usage = getattr(made, "usage", None)
    tokens = getattr(usage, "total_tokens", None) or 0
    model = str(getattr(made, "model", None) or "")
    if not choices:
        return Answer("", "no choice", model=model, tokens=tokens)
    message = choices[0].message
    return Answer(
        text=_whole(getattr(message, "content", None) or ""),
        finish_reason=choices[0].finish_reason or "none",
        refusal=_whole(getattr(message, "refusal", None) or ""),
        model=model,
        tokens=tokens,
    )


def _whole(text: str) -> str:
    """A lone surrogate, which JSON may hold and UTF-8 may not, becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def _told(error: openai.OpenAIError | TimeoutError) -> str:
    """The kind of an error alone: what an endpoint says in a body may quote the record."""
    if isinstance(error, openai.APIStatusError):
        return f"status {error.status_code}"
    if isinstance(error, openai.APITimeoutError | TimeoutError):
        return "no answer in time"
    return "no connection" if isinstance(error, openai.APIConnectionError) else type(error).__name__


def _pause_s(error: Exception, attempt: int) -> float:
    named = error.response.headers.get("retry-after", "") if isinstance(error, openai.APIStatusError) else ""
    wanted = float(named) if named.isdecimal() else _FIRST_PAUSE_S * 2 ** (attempt - 1)
    return min(wanted, _LONGEST_PAUSE_S)
