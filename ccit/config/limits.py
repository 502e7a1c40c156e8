"""Limits that contradict each other: each is sound by itself, and together they refuse or cut what they are for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# Tokens that one of these takes, about: four characters of English are a token of today's vocabularies, and the
# shortest sentence is a word and its full stop.
_TOKENS: Mapping[str, float] = {"characters": 0.25, "tokens": 1.0, "sentences": 2.0}


@dataclass(frozen=True, slots=True)
class Shortest:
    """The shortest response that `[selection.checks.length]` lets in, in its unit."""

    unit: str
    count: int

    @property
    def tokens(self) -> int:
        """About how many tokens that is.

        >>> Shortest("characters", 800).tokens
        200
        """
        return math.ceil(self.count * _TOKENS[self.unit])


def contradictions(shortest: Shortest, limits: Mapping[str, int]) -> Iterator[str]:
    """One sentence for each limit that cuts every response that is let in, or every answer that is learned from them.

    A limit that cuts the longest alone is a choice.

    Parameters
    ----------
    limits : Mapping[str, int]
        Key -> tokens after which a sample or an answer is cut.

    Example
    -------
    >>> said = list(contradictions(Shortest("characters", 800), {"evaluation.max_new_tokens": 128}))
    >>> said[0].partition(": ")[0]
    'evaluation.max_new_tokens = 128 cuts all that selection.checks.length.min = 800 characters asks for'
    """
    for key, limit in limits.items():
        if limit < shortest.tokens:
            yield (
                f"{key} = {limit} cuts all that selection.checks.length.min = {shortest.count} {shortest.unit} asks "
                f"for: that is about {shortest.tokens} tokens; raise the one or lower the other"
            )
