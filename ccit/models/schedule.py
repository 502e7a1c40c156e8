"""The learning rate over a training: linear warm-up, then a cosine.

Loshchilov & Hutter 2016, arXiv 1608.03983.
"""

from __future__ import annotations

import math


def rate_factor(step: int, steps: int, warmup_share: float, floor: float = 0.0) -> float:
    """Factor of the peak rate at one step.

    Parameters
    ----------
    step : int
        0 .. steps - 1.
    warmup_share : float
        Share of the steps in which the factor rises to 1, 0 to 1.
    floor : float
        What the cosine falls towards, 0 to 1.

    >>> [round(rate_factor(s, 4, 0.25), 2) for s in range(4)]
    [1.0, 1.0, 0.75, 0.25]
    """
    warmup = round(steps * warmup_share)
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))
