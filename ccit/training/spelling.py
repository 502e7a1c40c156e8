"""How alike texts are by their letters: shares of three letters in a row, in any language, without a model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

_LETTERS = 3


def shares(texts: Iterable[str]) -> dict[str, float]:
    """How often each run of three letters comes, over all runs of the texts; they add up to 1.

    >>> shares(["abcd"])
    {'abc': 0.5, 'bcd': 0.5}
    """
    runs: Counter[str] = Counter()
    for text in texts:
        lower = text.lower()
        runs.update(lower[i : i + _LETTERS] for i in range(max(1, len(lower) - _LETTERS + 1)))
    total = runs.total()
    return {run: count / total for run, count in runs.items()}


def cosine(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    """0 where nothing is shared, 1 for the same shares.

    >>> round(cosine(shares(["abc"]), shares(["abcd"])), 3)
    0.707
    """
    lengths = math.sqrt(sum(v * v for v in first.values())) * math.sqrt(sum(v * v for v in second.values()))
    shared = first.keys() & second.keys()
    return sum(first[run] * second[run] for run in sorted(shared)) / lengths if lengths else 0.0


def total_variation(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    """Half the sum of the differences, 0 to 1: what must be moved to make one into the other.

    >>> total_variation(shares(["abc"]), shares(["abcd"]))
    0.5
    """
    runs = sorted(first.keys() | second.keys())
    return sum(abs(first.get(run, 0.0) - second.get(run, 0.0)) for run in runs) / 2
