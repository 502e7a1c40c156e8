"""From logits to the next token: greedy, or nucleus sampling (Holtzman et al. 2020, arXiv 1904.09751)."""

from __future__ import annotations

import secrets

import torch

from ccit.ports.serving import Sampling

_COLDEST = 1e-5  # below it, logits divided by the temperature may overflow; it is greedy by then anyway


class Sampler:
    """Draws tokens for one request, with a random state of its own.

    >>> Sampler(Sampling(1, temperature=0)).draw(torch.tensor([0.1, 0.9, 0.3]))
    1
    """

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        seed = secrets.randbits(63) if sampling.seed is None else sampling.seed % 2**63
        self._generator = torch.Generator().manual_seed(seed)

    def draw_each(self, logits: torch.Tensor) -> list[int]:
        """One token id for each row of logits (R, V), drawn one after the other."""
        return [self.draw(row) for row in logits]

    def draw(self, logits: torch.Tensor, likeliest: int | None = None) -> int:
        """One token id from the logits (V,) of the next position; `likeliest` where it is known already."""
        if self._sampling.temperature < _COLDEST:
            return int(logits.argmax()) if likeliest is None else likeliest
        # A number of this seed, drawn on the CPU, and the token into whose share of the probabilities it falls: the
        # same whatever the device that made the logits, but for rounding.
        drawn = float(torch.rand((), generator=self._generator, dtype=torch.float64))
        shares = torch.softmax(logits.float() / self._sampling.temperature, dim=-1)
        if self._sampling.top_p >= 1:
            upto = shares.cumsum(-1, dtype=torch.float64)
            return int((upto <= drawn * upto[-1]).sum().clamp(max=len(upto) - 1))
        ordered, ids = shares.sort(descending=True)
        upto = ordered.cumsum(-1, dtype=torch.float64)
        # A token stays when the mass before it is still short of top_p: the first always does.
        stay = (upto - ordered < self._sampling.top_p).sum().clamp(min=1)
        place = (upto <= drawn * upto[stay - 1]).sum().clamp(max=stay - 1)
        return int(ids[place])
