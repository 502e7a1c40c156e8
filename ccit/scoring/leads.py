"""What an answer says first, as a vector of its words: a space in which another drug or test lies far, without a model.

To an embedder "Give velotrin." and "Give oxamire." are near: names that it does not know are pieces to it. In words
they are not. An answer states its point in its first sentence as a rule (the lead, long the baseline to beat in
summarisation: Nenkova 2005, AAAI), and long words carry more than short ones (Zipf's law of abbreviation), so a word of
n letters weighs n - 3; half at least, and a number or an ideograph 4. Words are hashed to one of 256 components with a
sign (Weinberger et al. 2009, "Feature hashing"): cosines of unrelated leads are 0 +- 0.06.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np

from ccit.ports.vectors import Vectors
from ccit.scoring.sentences import split_sentences
from ccit.vectors import quantise

DIMENSION = 256
STAMP = f"lead.v1 hashed={DIMENSION}"
_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W_{_IDEOGRAPHS}]+")
_READ = 2000  # characters in which the first sentence is looked for
_HEAVY, _LIGHTEST, _FREE = 4.0, 0.5, 3


def leads(texts: Sequence[str]) -> Vectors:
    """A row for each text's first sentence (n, 256), of length 1; of length 0 for one without a word.

    Example
    -------
    >>> first, same, other = leads(["Give velotrin. Rest.", "Start with velotrin. Drink.", "Give oxamire. Rest."])
    >>> float(first @ same) > 0.5 > 0.3 > float(first @ other)
    True
    """
    rows = np.zeros((len(texts), DIMENSION))
    for row, text in zip(rows, texts, strict=True):
        read = text[:_READ]
        first = next(iter(split_sentences(read)), read)
        for word in {found.casefold() for found in _WORD.findall(first)}:
            drawn = zlib.crc32(word.encode())
            row[drawn % DIMENSION] += _weight(word) * (1.0 if drawn >> 31 else -1.0)
    return quantise(rows) if len(texts) else rows.astype(np.float32)


def _weight(word: str) -> float:
    heavy = word.isdigit() or (len(word) == 1 and not word.isascii())
    return _HEAVY if heavy else max(_LIGHTEST, float(len(word) - _FREE))
