"""What a request wants changed in the logits before a token is drawn from them.

In this order, as vLLM does it, so that a client finds the same meaning: bias, then what may come next at all (schema,
`min_tokens`), repetition penalty, frequency and presence penalties, `min_p`, `top_k`. Temperature and `top_p` are the
draw's own (`ccit/serving/sampling.py`).

Shape suffix: V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import torch

from ccit.ports.serving import Sampling
from ccit.serving.vocabulary import SchemaSteps

_COLDEST = 1e-5  # a temperature below it takes the likeliest token anyway


class Shaping:
    """The logits of one answer, token after token.

    Parameters
    ----------
    prompt : Sequence[int]
        Token ids.
    ends : Collection[int]
        Tokens that end an answer.
    schema : SchemaSteps | None
        What admits a next token.

    Example
    -------
    >>> shaping = Shaping(Sampling(9, frequency_penalty=1.0, top_k=2), [], [])
    >>> logits = torch.tensor([2.0, 1.5, 1.0])
    >>> shaping.shaped(logits), shaping.take(0), shaping.shaped(logits)
    (tensor([2.0000, 1.5000,   -inf]), None, tensor([1.0000, 1.5000, 1.0000]))
    """

    def __init__(
        self, sampling: Sampling, prompt: Sequence[int], ends: Collection[int], schema: SchemaSteps | None = None
    ) -> None:
        self._sampling, self._ends, self._schema = sampling, sorted(ends), schema
        self._biased, self._bias = _columns(sampling.logit_bias)
        self._repetition = sampling.repetition_penalty != 1
        self._mention = sampling.presence_penalty != 0 or sampling.frequency_penalty != 0
        self._seen = _Mentioned(prompt if self._repetition else ())
        self._said = _Mentioned()
        self._count = 0
        plain = Sampling(sampling.max_tokens)
        changing = ("top_k", "min_p", "presence_penalty", "frequency_penalty", "repetition_penalty", "logit_bias")
        self.idle = all(getattr(sampling, f) == getattr(plain, f) for f in (*changing, "min_tokens", "json_schema"))
        """Whether nothing is ever changed."""

    def shaped(self, logits_V: torch.Tensor) -> torch.Tensor:
        """The logits (V,) to draw from; those that came in stay as they are."""
        if self.idle:
            return logits_V
        self._biased, self._bias = self._biased.to(logits_V.device), self._bias.to(logits_V)
        shaped_V = logits_V.index_add(0, self._biased, self._bias)
        self._forbid(shaped_V)
        self._penalise(shaped_V)
        self._narrow(shaped_V)
        return shaped_V

    def take(self, token: int) -> None:
        """The answer goes on with this one. Raises `ModelUnusable` where the schema cannot be followed any more."""
        self._count += 1
        if self.idle:
            return
        if self._mention:
            self._said.take(token)
        if self._repetition:
            self._seen.take(token)
        if self._schema is not None:
            self._schema.take(token)

    def _forbid(self, shaped_V: torch.Tensor) -> None:
        if self._schema is not None:
            shaped_V.masked_fill_(~torch.from_numpy(self._schema.admitted()).to(shaped_V.device), -torch.inf)
        elif self._count < self._sampling.min_tokens:
            shaped_V[self._ends] = -torch.inf

    def _penalise(self, shaped_V: torch.Tensor) -> None:
        sampling, penalty = self._sampling, self._sampling.repetition_penalty
        if self._repetition:
            seen, _ = self._seen.on(shaped_V)
            found = shaped_V[seen]
            shaped_V[seen] = torch.where(found > 0, found / penalty, found * penalty)
        if self._mention:
            said, often = self._said.on(shaped_V)
            shaped_V[said] -= sampling.presence_penalty + sampling.frequency_penalty * often

    def _narrow(self, shaped_V: torch.Tensor) -> None:
        """`min_p` and `top_k` as bounds of the logit; tokens as likely as the last one that is let in stay too."""
        sampling = self._sampling
        if sampling.temperature < _COLDEST:
            return
        if sampling.min_p > 0:
            lowest = shaped_V.max() + sampling.temperature * math.log(sampling.min_p)
            shaped_V.masked_fill_(shaped_V < lowest, -torch.inf)
        if 0 < sampling.top_k < len(shaped_V):
            lowest = shaped_V.topk(sampling.top_k).values[-1]
            shaped_V.masked_fill_(shaped_V < lowest, -torch.inf)


class _Mentioned:
    """Different tokens and how often each was taken, as tensors that stay on the device: a step adds one number."""

    def __init__(self, tokens: Collection[int] = ()) -> None:
        self._places = {token: place for place, token in enumerate(dict.fromkeys(tokens))}
        self._ids, self._often = _columns([(token, 1.0) for token in self._places])

    def on(self, logits_V: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Their ids, and how often each."""
        self._ids, self._often = self._ids.to(logits_V.device), self._often.to(logits_V)
        return self._ids, self._often

    def take(self, token: int) -> None:
        """Once more."""
        place = self._places.setdefault(token, len(self._places))
        if place < len(self._ids):
            self._often[place].add_(1)
        else:
            self._ids = torch.cat([self._ids, self._ids.new_tensor([token])])
            self._often = torch.cat([self._often, self._often.new_ones(1)])


def _columns(pairs: Sequence[tuple[int, float]]) -> tuple[torch.Tensor, torch.Tensor]:
    tokens, values = zip(*pairs, strict=True) if pairs else ((), ())
    return torch.tensor(tokens, dtype=torch.long), torch.tensor(values)
