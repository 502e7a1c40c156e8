"""The easy first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.training import Example, Method, MethodContext


@plugin("method")
class Curriculum(Method):
    """Begins with the easiest samples and takes in harder ones from epoch to epoch; the last epoch visits all.

    Curriculum learning (Bengio et al. 2009) with the difficulties of Platanios et al. 2019, arXiv 1903.09848. Epoch e
    of E (from 0) visits, in its shuffled order, the easiest share

        p(e) = start + (1 - start) * e / (E - 1)

    of all examples; a single epoch visits all, the easiest first. Difficulty is the length of the response in tokens,
    or its rarity: minus the sum of the logarithms of its tokens' shares among all response tokens of the round. Cost:
    none; with fewer visits it saves (1 - start) / 2 of the round.

    Example
    -------
    >>> from types import SimpleNamespace
    >>> from ccit.records import Sample
    >>> sample = Sample("s", "r", "ward", "en", "Dose?", "5 mg.")
    >>> examples = [Example(sample, "training", SimpleNamespace(response_tokens=n)) for n in (9, 1, 5, 7)]
    >>> method = Curriculum(Curriculum.Settings(start=0.5), MethodContext("proxy", seed=0))
    >>> [method.order([3, 0, 2, 1], examples, epoch, epochs=3) for epoch in range(3)]
    [[2, 1], [3, 2, 1], [3, 0, 2, 1]]
    """

    class Settings(PluginSettings):
        """What is difficult, and how it begins."""

        kind: Literal["curriculum"] = "curriculum"
        difficulty: Literal["length", "rarity"] = Field(
            "length", description="`length` of the response or its `rarity`"
        )
        start: float = Field(0.5, gt=0, le=1, description="share of the examples that the first epoch visits, 0 to 1")

    def __init__(self, settings: Settings, context: MethodContext) -> None:
        self._by_length = settings.difficulty == "length"
        self._start = settings.start

    def order(self, order: Sequence[int], examples: Sequence[Example], epoch: int, epochs: int) -> Sequence[int]:
        """The easiest of the order; ties as they were in it."""
        difficulties = _lengths(examples) if self._by_length else _rarities(examples)
        easiest_first = sorted(order, key=lambda number: difficulties[number])
        if epochs == 1:
            return easiest_first
        share = self._start + (1 - self._start) * epoch / (epochs - 1)
        kept = set(easiest_first[: max(1, round(share * len(order)))])
        return [number for number in order if number in kept]


def _lengths(examples: Sequence[Example]) -> list[float]:
    return [float(example.row.response_tokens) for example in examples]


def _rarities(examples: Sequence[Example]) -> list[float]:
    responses = [example.row.ids[example.row.prompt_length :] for example in examples]
    counts = Counter(token for response in responses for token in response)
    total = counts.total()
    return [-sum(math.log(counts[token] / total) for token in response) for response in responses]
