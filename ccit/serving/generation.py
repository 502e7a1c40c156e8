"""One answer in the making: from the logits after each token to the next token and the text that it adds."""

from __future__ import annotations

import torch

from ccit.errors import ModelUnusable
from ccit.models.causal import CausalModel, end_tokens
from ccit.ports.serving import Delta, Sampling
from ccit.serving.sampling import Sampler
from ccit.serving.text import IncrementalDecoder, StopTexts


class Generation:
    """Draws as its request wants, with a random state of its own, up to its stop texts.

    Parameters
    ----------
    causal : CausalModel
        For its tokenizer and end tokens.
    """

    def __init__(self, causal: CausalModel, sampling: Sampling) -> None:
        self._name, self._ends, self._limit = causal.name, end_tokens(causal), sampling.max_tokens
        self._sampler, self._stop = Sampler(sampling), StopTexts(sampling.stop)
        self._decoder = IncrementalDecoder(causal.tokenizer)
        self._count = 0

    def step(self, logits_V: torch.Tensor, finite: bool) -> tuple[int, Delta]:
        """The next token, and what it adds; the last Delta has a `finish`.

        Raises
        ------
        ModelUnusable
            The logits are not finite.
        """
        if not finite:
            raise ModelUnusable(f"{self._name} gave numbers that are not finite; roll back to an earlier version")
        token = self._sampler.draw(logits_V)
        self._count += 1
        ended, last = token in self._ends, self._count == self._limit
        piece = self._stop.push("" if ended else self._decoder.push(token))
        if ended or last:
            piece += self._stop.push(self._decoder.finish())
            piece += self._stop.finish()
        if ended or self._stop.reached:
            return token, Delta(piece, self._count, "stop")
        return token, Delta(piece, self._count, "length" if last else None)
