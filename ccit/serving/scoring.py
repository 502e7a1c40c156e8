"""`POST /v1/score`: how likely a version finds an answer that is given: no token is drawn, each is read and weighed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ccit.ports.serving import Drawn, Sampling
from ccit.serving.messages import MAX_MESSAGES, ChatMessage
from ccit.serving.refusals import RequestRefused, refuse_unknown

_HIGHEST = 700.0  # exp of more is no float


class ScoreRequest(BaseModel):
    """A chat whose last message is the answer to be weighed."""

    model_config = ConfigDict(extra="ignore", strict=True)

    model: str
    messages: Annotated[list[ChatMessage], Field(fail_fast=True, min_length=2, max_length=MAX_MESSAGES)]

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: Any) -> Any:
        if isinstance(values, dict):
            refuse_unknown(values, cls, harmless=("user",))
        return values

    @model_validator(mode="after")
    def _answered(self) -> ScoreRequest:
        if self.messages[-1].role != "assistant" or not self.messages[-1].plain()["content"]:
            what = "the last message must be the assistant's and hold the answer whose perplexity is asked for"
            raise RequestRefused(400, what, "messages")
        return self


def given(answer: Sequence[int]) -> Sampling:
    """How to have an answer weighed.

    Parameters
    ----------
    answer : Sequence[int]
        Token ids, without the end of the turn.
    """
    return Sampling(max_tokens=len(answer), temperature=0, logprobs=0, forced=tuple(answer))


def weighed(drawn: Sequence[Drawn]) -> dict[str, Any]:
    """What the reply says: ln p of each token, and the perplexity, exp of their negative mean.

    Example
    -------
    >>> from ccit.ports.serving import Logprob
    >>> told = [Drawn(Logprob(b"a", math.log(0.5)), ()), Drawn(Logprob(b"b", math.log(0.125)), ())]
    >>> round(weighed(told)["perplexity"], 6)
    4.0
    """
    values = [one.chosen.value for one in drawn]
    mean = sum(values) / len(values)
    perplexity = math.exp(min(-mean, _HIGHEST))
    return {"tokens": len(values), "logprobs": values, "mean_logprob": mean, "perplexity": perplexity}
