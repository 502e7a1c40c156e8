"""One answer in the making: from the logits after each token to the next token and the text that it adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch

from ccit.errors import ModelUnusable
from ccit.models.causal import CausalModel, end_tokens
from ccit.ports.serving import Delta, Drawn, Logprob, Sampling
from ccit.serving.sampling import Sampler
from ccit.serving.shaping import Shaping
from ccit.serving.text import IncrementalDecoder, StopTexts
from ccit.serving.vocabulary import Vocabulary


class Generation:
    """Draws as its request wants, with a random state of its own, up to its stop texts.

    Parameters
    ----------
    causal : CausalModel
        For its tokenizer and end tokens.
    prompt : Sequence[int]
        Token ids, for the repetition penalty.
    vocabulary : Vocabulary | None
        Wanted where `sampling` asks for `logprobs` or a schema.
    """

    def __init__(
        self,
        causal: CausalModel,
        sampling: Sampling,
        prompt: Sequence[int] = (),
        vocabulary: Vocabulary | None = None,
    ) -> None:
        self._name, self._ends = causal.name, end_tokens(causal)
        self.limit = sampling.max_tokens
        """Tokens at most."""
        self._sampler, self._stop = Sampler(sampling), StopTexts(sampling.stop)
        self._decoder = IncrementalDecoder(causal.tokenizer)
        self._vocabulary, self._likeliest, self._forced = vocabulary, sampling.logprobs, sampling.forced
        schema = sampling.json_schema
        steps = vocabulary.steps(schema) if vocabulary is not None and schema is not None else None
        self._shaping = Shaping(sampling, prompt, self._ends, steps)
        self._count = 0

    def step(self, logits_V: torch.Tensor, likeliest: int | None) -> tuple[int, Delta]:
        """The next token, and what it adds; the last Delta has a `finish`.

        Parameters
        ----------
        likeliest : int | None
            The most probable token; None where the logits are not finite.

        Raises
        ------
        ModelUnusable
            The logits are not finite.
        """
        if likeliest is None:
            raise ModelUnusable(f"{self._name} gave numbers that are not finite; roll back to an earlier version")
        if self._forced:
            return self._read(logits_V)
        token = self._sampler.draw(self._shaping.shaped(logits_V), likeliest if self._shaping.idle else None)
        self._shaping.take(token)
        self._count += 1
        ended, last = token in self._ends, self._count == self.limit
        piece = self._stop.push("" if ended else self._decoder.push(token))
        if ended or last:
            piece += self._stop.push(self._decoder.finish())
            piece += self._stop.finish()
        drawn = None if ended else self._drawn(logits_V, token)
        if ended or self._stop.reached:
            return token, Delta(piece, self._count, "stop", drawn)
        return token, Delta(piece, self._count, "length" if last else None, drawn)

    def _read(self, logits_V: torch.Tensor) -> tuple[int, Delta]:
        token = self._forced[self._count]
        self._count += 1
        finish: Literal["length"] | None = "length" if self._count == self.limit else None
        return token, Delta("", self._count, finish, self._drawn(logits_V, token))

    def _drawn(self, logits_V: torch.Tensor, token: int) -> Drawn | None:
        if self._vocabulary is None or self._likeliest is None:
            return None
        written, shares_V = self._vocabulary.written, torch.log_softmax(logits_V.float(), dim=-1)
        values, ids = shares_V.topk(min(self._likeliest, len(shares_V)))
        likeliest = zip(ids.tolist(), values.tolist(), strict=True)
        return Drawn(
            Logprob(written(token), float(shares_V[token])),
            tuple(Logprob(written(other), value) for other, value in likeliest),
        )
