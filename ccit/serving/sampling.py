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

    def draw(self, logits: torch.Tensor) -> int:
        """One token id from the logits (V,) of the next position."""
        if self._sampling.temperature < _COLDEST:
            return int(logits.argmax())
        # On the CPU: the same seed then gives the same draw whatever the device that made the logits.
        probabilities = torch.softmax(logits.float().cpu() / self._sampling.temperature, dim=-1)
        if self._sampling.top_p >= 1:
            return int(torch.multinomial(probabilities, 1, generator=self._generator))
        ordered, ids = probabilities.sort(descending=True)
        # A token stays when the mass before it is still short of top_p: the first always does, and
        # also for a top_p that is 0 in float32.
        stays = ordered.cumsum(-1) - ordered < self._sampling.top_p
        stays[0] = True
        kept = ordered * stays
        return int(ids[torch.multinomial(kept, 1, generator=self._generator)])
