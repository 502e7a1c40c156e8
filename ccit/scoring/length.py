"""Length of the response, in a unit that is always named.

The paper's Lmin = 800 (arXiv 2503.15924) carries no unit; it cannot be sentences. Here the unit is in every stamp.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from ccit.errors import ConfigError
from ccit.records import Sample, Score
from ccit.scoring.sentences import split_sentences

Unit = Literal["characters", "tokens", "sentences"]


class LengthScorer:
    """Counts the response's characters (code points, outer blanks left out), tokens or sentences.

    Parameters
    ----------
    unit : "characters" | "tokens" | "sentences"
        What is counted.
    count_tokens : Callable[[str], int] | None
        Tokens of a text, wanted for `tokens` alone.
    tokenizer : str
        Names the tokenizer in the stamp, for `tokens` alone.

    Raises
    ------
    ConfigError
        `tokens` without a way to count them.

    Example
    -------
    >>> sample = Sample("s", "r", "ward", "en", "How long?", " Two weeks. Then come back. ")
    >>> [score.value for (score,) in LengthScorer("characters").score([sample])]
    [26.0]
    >>> LengthScorer("sentences").score([sample])[0][0].value
    2.0
    """

    metric = "length"

    def __init__(self, unit: Unit, count_tokens: Callable[[str], int] | None = None, tokenizer: str = "") -> None:
        counters: Mapping[str, Callable[[str], int] | None] = {
            "characters": lambda text: len(text.strip()),
            "sentences": lambda text: len(split_sentences(text)),
            "tokens": count_tokens,
        }
        count = counters.get(unit)
        if count is None:
            raise ConfigError(
                f"expected a length unit among {', '.join(counters)} (tokens with a tokenizer), found {unit!r}; "
                "set selection.length_unit"
            )
        self._count = count
        self._stamp = f"length.v1 unit={unit}" + (f" tokenizer={tokenizer}" if unit == "tokens" else "")

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """One `length` per sample."""
        return [(Score("length", float(self._count(s.response)), self._stamp),) for s in samples]
