"""The lists of words that look like names, and a dictionary of English: read once, when the first text asks."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_DICTIONARY = ("symspellpy", "frequency_dictionary_en_82_765.txt")  # 82,834 words (MIT), names among them


@cache
def terms(name: str) -> frozenset[str]:
    """A list of `ccit/deidentify/terms`.

    >>> "lasix" in terms("drugs"), "parkinson" in terms("eponyms"), "rose" in terms("common_words")
    (True, True, True)
    """
    lines = files("ccit.deidentify.terms").joinpath(f"{name}.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


@cache
def dictionary() -> frozenset[str]:
    """English words in lower case.

    >>> "chest" in dictionary(), "esterkin" in dictionary()
    (True, False)
    """
    package, name = _DICTIONARY
    lines = files(package).joinpath(name).read_text("utf-8-sig").splitlines()
    return frozenset(line.partition(" ")[0] for line in lines)
