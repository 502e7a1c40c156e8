"""Words that are one typing error away: a letter missing, added, changed, or two neighbours swapped.

The neighbourhood of deletions (Garbe's SymSpell): two words are one error apart only if one of them, or the other
without one letter, or both without one letter each are the same. So a word is looked up a few times, whatever the
number of names.
"""

from __future__ import annotations

from collections.abc import Iterable


def one_error_apart(left: str, right: str) -> bool:
    """Whether the optimal string alignment distance is exactly 1.

    >>> one_error_apart("smith", "smtih"), one_error_apart("smith", "smyth"), one_error_apart("smith", "smythe")
    (True, True, False)
    """
    if left == right or abs(len(left) - len(right)) > 1:
        return False
    first = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    if len(left) > len(right):
        return left[first + 1 :] == right[first:]
    if len(left) < len(right):
        return left[first:] == right[first + 1 :]
    swapped = left[first : first + 2] == right[first : first + 2][::-1] and left[first + 2 :] == right[first + 2 :]
    return swapped or left[first + 1 :] == right[first + 1 :]


_LONGEST = 40
"""Letters of a word that is looked up: the work grows with their square, and no name is longer."""


class Misspelt:
    """Finds which of a set of words a word may be meant for.

    >>> Misspelt({"smith", "garcia"}).meant("smiht")
    'smith'
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._meant: dict[str, set[str]] = {}
        for word in words:
            for key in _shortened(word):
                self._meant.setdefault(key, set()).add(word)

    def meant(self, word: str) -> str | None:
        """The first of the words, in alphabetical order, that is one error away; None where there is none."""
        if len(word) > _LONGEST:
            return None
        found = {other for key in _shortened(word) for other in self._meant.get(key, ())}
        return min((other for other in found if one_error_apart(word, other)), default=None)


def _shortened(word: str) -> set[str]:
    return {word, *(word[:i] + word[i + 1 :] for i in range(len(word)))}
