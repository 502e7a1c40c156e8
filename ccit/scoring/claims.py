"""What makes two nearly equal texts say different things: numbers, sides, negations, names of drugs.

A maximum dose corrected from 4 g to 3 g, a right knee after a left one: the texts hardly differ, to an embedder or in
their letters, and yet the second is no copy of the first. So what is compared for being a copy is *bound* to its
claims: their sequence is hashed to a sign for each component of the vector. Vectors with equal claims keep their
cosine, bit for bit; with other claims the cosine is that of random signs, 0 +- 1 / sqrt(d). (Binding by signs is that
of vector symbolic architectures: Gayler 2003, "Multiply-Add-Permute".) One search then finds the nearest among those
that claim the same.

What counts as a claim is a list of words and forms, so it is not everything: a drug is known by the stem of its
international name (WHO, "The use of stems in the selection of INN", 2024), by a short list, by the dose behind it or by
the verb before it. A claim that is missed is compared as before; letters that have changed places make no other claim.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

VERSION = "claims.v1"

_SIGNS = "左右双不没無无未非"
_UNIT = r"(?:mg|mcg|µg|μg|ug|kg|g|ml|dl|l|iu|units?|%)"
_TOKEN = re.compile(
    rf"\d+(?:[.,:/]\d+)*(?:\s*{_UNIT}(?!\w))?|[{_SIGNS}]|(?:(?![\u3400-\u9fff])[^\W\d_])+(?:'[^\W\d_]+)*"
)
_NUMBERS = (
    "two three four five six seven eight nine ten eleven twelve twenty thirty fifty hundred thousand half double twice"
)
_SIDES = (
    "left right bilateral unilateral both upper lower proximal distal anterior posterior links rechts gauche droite"
)
_NEGATIONS = (
    "no not never none without neither nor cannot deny denies denied negative absent stop avoid contraindicated nicht "
    "kein keine keinen ohne nie pas jamais sans sin nunca"
)
_DRUGS = (
    "aspirin paracetamol acetaminophen ibuprofen insulin heparin warfarin digoxin morphine codeine lithium adrenaline "
    "epinephrine naloxone methadone quinine phenytoin levodopa prednisone cortisone oxytocin vitamin iron calcium "
    "potassium magnesium"
)
_STEM = re.compile(
    r"\w{2,}(?:cillin|mycin|micin|cycline|floxacin|oxacin|azole|vir|pril|sartan|olol|dipine|statin|prazole|tidine|gliptin"
    r"|gliflozin|glutide|tide|formin|mab|nib|parin|xaban|gatran|setron|triptan|caine|azepam|azolam|barbital|oxetine"
    r"|pramine|thiazide|semide|sone|solone|onide|terol|tropium|lukast|dronate|platin|rubicin|taxel|trexate|profen|coxib"
    r"|fenac|mide|zide|pine|idone|peridol)s?"
)
_GIVEN = re.compile(
    r"(?:give[ns]?|prescribe[ds]?|administer(?:ed)?|(?:start|begin)s? (?:with|on)|(?:drug|choice|medicine) is) $"
)
_DOSE = re.compile(rf"\s*\d[\d.,]*\s*{_UNIT}(?!\w)")
_OTHER = "this that them with from usually always often more than less most least only about dose doses maximum minimum"
_FILLERS = frozenset(_OTHER.split())


def claims(text: str) -> tuple[str, ...]:
    """The claims of a text, in its order.

    Example
    -------
    >>> claims("Never give more than 4 g a day to the left.")
    ('eenrv', '4g', 'eflt')
    >>> claims("Give amoxicillin.") != claims("Give doxycycline.")
    True
    >>> claims("Take care.") == claims("Take good care.") == ()
    True
    """
    read = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return tuple(_letters(token.group()) for token in _TOKEN.finditer(read) if _is_claim(read, token))


def bound(vectors: Vectors, texts: list[str]) -> Vectors:
    """Rows (n, d), each with the signs of its text's claims; of the same lengths, at the same precision.

    Example
    -------
    >>> rows = np.full((2, 64), 0.125, np.float32)
    >>> same, other = bound(rows, ["At most 4 g.", "At most 4 g!"]), bound(rows, ["At most 4 g.", "At most 3 g."])
    >>> float(same[0] @ same[1]), bool(abs(other[0] @ other[1]) < 0.5)
    (1.0, True)
    """
    if not texts:
        return vectors
    signs = np.stack([_signs(claims(text), vectors.shape[1]) for text in texts])
    found: Vectors = vectors * signs
    return found


def _signs(said: tuple[str, ...], dimension: int) -> npt.NDArray[np.float32]:
    """No claim leaves every sign as it is."""
    if not said:
        return np.ones(dimension, dtype=np.float32)
    drawn = hashlib.shake_256("\0".join(said).encode()).digest((dimension + 7) // 8)
    bits = np.unpackbits(np.frombuffer(drawn, dtype=np.uint8))[:dimension]
    return (1.0 - 2.0 * bits).astype(np.float32)


def _letters(word: str) -> str:
    """The word for whatever order its letters are typed in; a number with its unit stays as it is."""
    return "".join(word.split()) if word[0].isdigit() else "".join(sorted(word))


def _table(*words: str) -> frozenset[tuple[str, str]]:
    return frozenset((word[0], _letters(word)) for word in " ".join(words).split())


_KNOWN = _table(_NUMBERS, _SIDES, _NEGATIONS, _DRUGS)


def _is_claim(text: str, token: re.Match[str]) -> bool:
    word = token.group()
    if word[0].isdigit() or word in _SIGNS or (word[0], _letters(word)) in _KNOWN or word.endswith("n't"):
        return True
    if len(word) < 4 or word in _FILLERS:
        return False
    before = text[max(0, token.start() - 24) : token.start()]
    return bool(_STEM.fullmatch(word) or _GIVEN.search(before) or _DOSE.match(text, token.end()))
