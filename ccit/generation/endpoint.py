"""An OpenAI-compatible endpoint: one request, asked again a bounded number of times, and what its errors mean.

The client's own retries are off. What may heal (no connection, a timeout, 408, 409, 429, 5xx) is asked again after a
growing pause, or after the one that the endpoint names. Then it is decided whose fault it is:

- the request's, where the endpoint refuses it (400, 413, 422), or does not get through this one while it answers
  others: `Unanswered`, one dead letter;
- the endpoint's or the configuration's, where it answers nothing (or 401, 403, 404): `EndpointUnavailable`, which ends
  the process. Nothing is lost, and no document is given up because a server was down.

Where no other was answered meanwhile, a request without a record, alike in all else, shows which: a document that is
never answered would hold up all those behind it, and a server that takes no schema would refuse every document.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import openai
from openai.types.chat import ChatCompletion

from ccit.errors import EndpointUnavailable
from ccit.generation.asking import Answer, Request, Unanswered

if TYPE_CHECKING:
    import httpx2

logger = logging.getLogger("ccit.generate")

_REFUSES_REQUEST = {400, 413, 422}
_REFUSES_ALL = {401, 403, 404}
_TOO_MANY = 429
_NO_RECORD = ({"role": "user", "content": "There is no record yet. Fill each field of the JSON object with one word."},)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 60.0


class _NoAnswer(Exception):
    """One attempt failed; `told` says how and quotes nothing, since what an endpoint says may quote the record."""

    def __init__(self, told: str, status: int = 0, retry_after: str = "", *, uncounted: bool = False) -> None:
        super().__init__(told)
        self.told, self.status, self.retry_after = told, status, retry_after
        self.uncounted = uncounted
        """Whether the model may have been at work: tokens were taken that nobody counted."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long an answer is waited for, and how often it is asked for.

    Parameters
    ----------
    timeout_s : float
        Seconds for one request, from the first byte sent to the last byte read.
    attempts : int
        How often it is asked before it is decided whose fault it is; once more where a request without a record is
        answered then.
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
        before, lost = self._answered, 0
        for attempt in range(1, self._retries.attempts + 1):
            try:
                return replace(await self._once(request), lost=lost)
            except _NoAnswer as fault:
                failed = fault
                lost += request.most_tokens if fault.uncounted else 0
                if fault.status in _REFUSES_ALL:
                    raise self._unavailable(fault.told) from None
                if fault.status in _REFUSES_REQUEST:
                    break
                logger.info(
                    "attempt %d of %d: the endpoint gave no answer (%s)", attempt, self._retries.attempts, fault.told
                )
                if attempt < self._retries.attempts:
                    await self._pause(_pause_s(fault, attempt))
        if self._answered == before:
            lost += await self._look_without_record(request, failed)
            if failed.status not in _REFUSES_REQUEST:  # it may have come up just now
                try:
                    return replace(await self._once(request), lost=lost)
                except _NoAnswer as fault:
                    lost += request.most_tokens if fault.uncounted else 0
        if failed.status in _REFUSES_REQUEST:
            raise Unanswered(f"expected an answer, but the endpoint refused the request with {failed.told}", lost)
        raise Unanswered(
            f"expected an answer within {self._retries.attempts} attempts, found {failed.told} each time while other "
            "requests were answered",
            lost,
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    async def _look_without_record(self, request: Request, failed: _NoAnswer) -> int:
        """The tokens that it took; raises `EndpointUnavailable` where no record changes nothing.

        Too many requests (429) are no fault of a record, and a small one more shows nothing about a large one.
        """
        if failed.status == _TOO_MANY:
            raise self._unavailable(failed.told)
        await self._pause(0)
        try:
            without = replace(request, messages=_NO_RECORD)
            return (await self._once(without)).tokens or without.most_tokens
        except _NoAnswer as fault:
            if fault.status in _REFUSES_REQUEST:
                raise self._refusing(fault.told) from None
            raise self._unavailable(fault.told) from None

    async def _once(self, request: Request) -> Answer:
        try:
            answer = _answer_in(await self._made(request))
        except openai.APIStatusError as error:
            after = error.response.headers.get("retry-after", "")
            raise _NoAnswer(f"status {error.status_code}", error.status_code, after) from None
        except (openai.APITimeoutError, TimeoutError):
            raise _NoAnswer("no answer in time", uncounted=True) from None
        except openai.APIConnectionError:
            raise _NoAnswer("no connection") from None
        except (openai.OpenAIError, ValueError, AttributeError, LookupError, TypeError) as error:
            # the client does not check the JSON of an answer: any shape comes through, or breaks where it is read
            raise _NoAnswer(f"an answer that is no chat completion ({type(error).__name__})", uncounted=True) from None
        self._answered += 1
        return answer

    async def _made(self, request: Request) -> object:
        drawn = request.sampling
        messages: Any = [dict(message) for message in request.messages]  # the client's own types name each role
        form: Any = {
            "type": "json_schema",
            "json_schema": {"name": "reply", "strict": True, "schema": dict(request.schema)},
        }
        async with asyncio.timeout(self._retries.timeout_s):
            return await self._client.chat.completions.create(
                model=drawn.model,
                messages=messages,
                max_tokens=drawn.max_tokens,
                temperature=drawn.temperature,
                seed=drawn.seed,
                response_format=form,
            )

    def _unavailable(self, said: str) -> EndpointUnavailable:
        return EndpointUnavailable(
            f"expected answers from {self._base_url}, found {said}; nothing is lost: check generation.base_url, "
            "generation.model and generation.key_file, and start again when it answers"
        )

    def _refusing(self, said: str) -> EndpointUnavailable:
        return EndpointUnavailable(
            f"expected {self._base_url} to take a request without a record, found {said}; nothing is lost: use a "
            "server that takes response_format of type json_schema and a seed, or a generation.max_tokens and "
            "generation.temperature that the model takes, and start again"
        )


def _answer_in(made: object) -> Answer:
    """What an endpoint that is only nearly compatible sends may have holes; each is an answer that is no use."""
    if not isinstance(made, ChatCompletion):
        raise TypeError(f"expected an object, found {type(made).__name__}")
    choices: Any = getattr(made, "choices", None) or []
    model = str(getattr(made, "model", None) or "")
    tokens = _counted(getattr(getattr(made, "usage", None), "total_tokens", None))
    if not choices:
        return Answer("", "no choice", model=model, tokens=tokens)
    message = choices[0].message
    return Answer(
        text=_whole(getattr(message, "content", None) or ""),
        finish_reason=_whole(str(getattr(choices[0], "finish_reason", None) or "none")),
        refusal=_whole(getattr(message, "refusal", None) or ""),
        model=_whole(model),
        tokens=tokens,
    )


def _counted(tokens: object) -> int:
    """A whole number that is not negative; 0, for not counted, is made of all else."""
    return tokens if isinstance(tokens, int) and not isinstance(tokens, bool) and tokens > 0 else 0


def _whole(text: str) -> str:
    """A lone surrogate, which JSON may hold and UTF-8 may not, becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def _pause_s(fault: _NoAnswer, attempt: int) -> float:
    named = fault.retry_after
    wanted = float(named) if named.isdecimal() else _FIRST_PAUSE_S * 2 ** (attempt - 1)
    return min(wanted, _LONGEST_PAUSE_S)
