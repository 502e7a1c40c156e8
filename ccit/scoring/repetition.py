"""How much of a text has been said in it before: the share of its n-grams that are repeated."""

from __future__ import annotations

import re
from collections import Counter

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")


def repetition(text: str, n: int) -> float | None:
    """1 - different n-grams / n-grams, over words (signs in Chinese, Japanese and Korean); None for a text without any.

    Near 0 where nothing is said twice; k times the same sentence gives about 1 - 1/k. (The measure of degenerate
    generation, `rep-n`, of Welleck et al. 2019, arXiv 1908.04319.)

    Example
    -------
    >>> round(repetition("Rest for two weeks. Rest for two weeks.", 3), 2)
    0.33
    >>> repetition("Rest well.", 3) is None
    True
    """
    words = [word.casefold() for word in _WORD.findall(text)]
    grams = Counter(zip(*(words[start:] for start in range(n)), strict=False))
    return 1.0 - len(grams) / grams.total() if grams else None
