"""More informative than what has come so far, and not said already."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import plugin
from ccit.ports.selection import PolicyContext, Reasons, Scored
from ccit.selection.policies.compared import Compared, ComparedSettings
from ccit.selection.policies.filter_surprise import surprise
from ccit.selection.reference import Reference

_HALVINGS = 40  # of the interval that holds the threshold: to a millionth of a standard deviation


@plugin("policy")
class OasisPolicy(Compared[Reference]):
    """Draws a sample by its informativeness relative to all that was seen, lowered by what it repeats.

        I = surprise * min(1, novelty)                    nats per token; 0 for a copy of something accepted
        z = (I - mean) / standard deviation               over the reference: all seen, not the batch
        chance = 1 / (1 + exp(-(z - t) / softness))       t such that a `share` is taken in all

    After OASIS (Lee et al. 2025, arXiv 2506.02011), which takes the norm of a gradient for informativeness and lowers
    it by similarity to better samples of the batch; here the proxy's loss stands for the one, and novelty, which
    counts earlier samples of the batch too, for the other.

    Example
    -------
    >>> from ccit.records import Sample, Score
    >>> policy = OasisPolicy(OasisPolicy.Settings(), PolicyContext(seed=0))
    >>> usual = [0.9, 1.0, 1.1] * 20
    >>> chance = policy._rule(usual, rest=0.25)
    >>> [round(chance(value), 2) for value in (0.9, 1.1, 1.5)]
    [0.0, 0.73, 1.0]
    """

    needs: ClassVar[tuple[str, ...] | None] = None
    reasons: ClassVar[Reasons] = {
        "less_informative": ("Less informative", "beside all that has come, it says less that is new to the model")
    }

    class Settings(ComparedSettings):
        """How sharply it chooses."""

        kind: Literal["oasis"] = "oasis"
        softness: float = Field(
            0.25, gt=0, description="standard deviations over which the chance rises; near 0 it is a threshold"
        )

    def __init__(self, settings: Settings, context: PolicyContext) -> None:
        super().__init__(settings, context, Reference())
        self._softness = settings.softness

    def _value(self, scored: Scored) -> float | None:
        surprising, novelty = surprise(scored), scored.value("novelty")
        return None if surprising is None else surprising * (1.0 if novelty is None else min(1.0, max(0.0, novelty)))

    def _rule(self, reference: Sequence[float], rest: float) -> Callable[[float], float]:
        mean, deviation = statistics.fmean(reference), statistics.pstdev(reference)
        if deviation == 0:
            return lambda _: rest
        scaled = [(one - mean) / deviation / self._softness for one in reference]
        low, high = scaled[0] - _HALVINGS, scaled[-1] + _HALVINGS
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if sum(map(_logistic, (one - middle for one in scaled))) > rest * len(scaled):
                low = middle
            else:
                high = middle
        return lambda value: _logistic((value - mean) / deviation / self._softness - high)

    def _left_out(self) -> str:
        return "less_informative"


def _logistic(x: float) -> float:
    return 0.5 * (1 + math.tanh(x / 2))
