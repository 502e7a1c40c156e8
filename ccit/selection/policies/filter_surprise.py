"""What is sound, in proportion to what there is to learn from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

from ccit.plugins import plugin
from ccit.ports.selection import PolicyContext, Reasons, Scored
from ccit.selection.policies.compared import Compared, ComparedSettings
from ccit.selection.reference import Reference


@plugin("policy")
class FilterSurprisePolicy(Compared[Reference]):
    """Draws among what no check refused, each sample in proportion to its surprise.

        chance = min(1, c * surprise),   surprise = ln ppl(response | prompt), nats per token

    with c such that a `share` is taken in all: Poisson sampling with a probability proportional to size (Hajek 1964,
    doi 10.1214/aoms/1177700375), estimated on the reference. Unlike in a top share, what surprises less keeps a chance,
    and noise that no check has found is taken more often, but not alone.

    Example
    -------
    >>> from ccit.records import Sample, Score
    >>> settings = FilterSurprisePolicy.Settings(share=0.5, reference_share=0.5)
    >>> policy = FilterSurprisePolicy(settings, PolicyContext(seed=0))
    >>> batch = [Scored(Sample("s", "r", "ward", "en", "Dose?", "5 mg."), (Score("ppl_conditional", 7.4, ""),))]
    >>> policy.choose(batch)
    ['less_surprising']
    """

    needs: ClassVar[tuple[str, ...] | None] = None
    reasons: ClassVar[Reasons] = {
        "less_surprising": (
            "Less surprising",
            "nothing is wrong with it; left out by lot, as others have more to teach",
        )
    }

    class Settings(ComparedSettings):
        """How much is drawn."""

        kind: Literal["filter_surprise"] = "filter_surprise"

    def __init__(self, settings: Settings, context: PolicyContext) -> None:
        super().__init__(settings, context, Reference())

    def _value(self, scored: Scored) -> float | None:
        return surprise(scored)

    def _rule(self, reference: Sequence[float], rest: float) -> Callable[[float], float]:
        return in_proportion(reference, rest)

    def _left_out(self) -> str:
        return "less_surprising"


def in_proportion(sizes: Sequence[float], rest: float) -> Callable[[float], float]:
    """From a size to a chance of min(1, c * size), with c such that of samples like these a share of `rest` is taken.

    Parameters
    ----------
    sizes : Sequence[float]
        Of the reference, in order, none below 0.

    Example
    -------
    >>> chance = in_proportion([1.0, 2.0, 3.0], rest=0.5)  # c = 0.25
    >>> [chance(size) for size in (1.0, 2.0, 3.0, 9.0)]
    [0.25, 0.5, 0.75, 1.0]
    """
    left, total = rest * len(sizes), sum(sizes)
    for largest in reversed(sizes):
        if left * largest < total:  # it is taken with a chance below 1, and so are all that are smaller
            break
        left, total = left - 1, total - largest
    return lambda size: min(1.0, size * left / total) if total > 0 else rest


def surprise(scored: Scored) -> float | None:
    """Nats per token of the response, given its prompt: at least 0; None where the proxy did not score it.

    >>> from ccit.records import Sample, Score
    >>> surprise(Scored(Sample("s", "r", "ward", "en", "Dose?", "5 mg."), (Score("ppl_conditional", 1.0, ""),)))
    0.0
    """
    perplexity = scored.value("ppl_conditional")
    return None if perplexity is None else math.log(max(perplexity, 1.0))
