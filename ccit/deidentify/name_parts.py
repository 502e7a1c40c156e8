"""The names that a record knows, in the forms in which a text may write them.

A name is taken apart into parts: words without case and accents (`folded`). `O'Brien-Smith` has the parts o, brien and
smith, and the joined forms obrien and briensmith. ä, ö, ü and å are looked for as a, o, u, aa and as ae, oe, ue. A part
may carry the s of a genitive or a plural.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from ccit.clinical import Name, Person
from ccit.deidentify.typing_errors import Misspelt
from ccit.deidentify.vocabulary import dictionary, terms
from ccit.ports.deidentify import folded, folded_words

SHORTEST = 5
"""Letters from which a part alone may be misspelt: of shorter ones too many words are one error away."""

_REMEMBERED = 20_000  # words of a text come again and again
_UMLAUTS = {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"}
_IDEOGRAPHS = re.compile(r"[\u3400-\u9fff\uac00-\ud7af\u3040-\u30ff]")


@dataclass(frozen=True, repr=False)
class NameForms:
    """All forms of the names of a record.

    Parameters
    ----------
    parts : frozenset[str]
        Folded words that are a name alone.
    beside : frozenset[str]
        Folded words that are one only beside a part.
    initials : frozenset[str]
        First letters of parts.
    monograms : frozenset[str]
        First letters of given and family name together, in either order.
    whole : tuple[str, ...]
        Names in scripts that put no blanks between words, as they are written.
    """

    parts: frozenset[str]
    beside: frozenset[str]
    initials: frozenset[str]
    monograms: frozenset[str]
    whole: tuple[str, ...]
    misspelt: Misspelt = field(compare=False)
    misspelt_beside: Misspelt = field(compare=False)
    _openings: frozenset[str] = field(compare=False)
    _passed: set[str] = field(default_factory=set, compare=False)

    def is_part(self, word: str) -> bool:
        """Whether a folded word is a name alone, with or without the s of a genitive or a plural."""
        return word in self.parts or (word.endswith("s") and len(word) > 3 and word[:-1] in self.parts)

    def is_misspelt(self, word: str) -> bool:
        """Whether a folded word is one typing error away from a name."""
        return len(word) >= SHORTEST - 1 and self.misspelt.meant(word) is not None

    def passes(self, word: str) -> bool:
        """Whether a folded word is no name, nor begins one, wherever it stands: most words of a text, looked at once.

        >>> forms = forms_of((Person("patient", names=(Name("Esterkin"),)),))
        >>> [forms.passes(word) for word in ("chest", "esterkins", "ester", "e", "esterkni")]
        [True, False, False, False, False]
        """
        if word in self._passed:
            return True
        if not self._says_nothing(word):
            return False
        if len(self._passed) >= _REMEMBERED:
            self._passed.clear()
        self._passed.add(word)
        return True

    def _says_nothing(self, word: str) -> bool:
        may_be = len(word) == 1 or word in self._openings or self.is_part(word) or self.is_misspelt(word)
        return word.isdigit() or not may_be


@lru_cache(maxsize=512)
def forms_of(people: tuple[Person, ...]) -> NameForms:
    """The forms of all names of these people.

    >>> forms = forms_of((Person("patient", names=(Name("O'Brien", ("Zoë", "M")),)),))
    >>> sorted(part for part in forms.parts if len(part) < 7)
    ['brien', 'obrien', 'zoe']
    """
    names = [name for person in people for name in person.names]
    known = {form for name in names for text in _texts(name) for form in _forms(text)}
    known |= {form for person in people for other in person.others for form in _rare(other)}
    parts = frozenset(form for form in known if len(form) > 1 and form not in terms("particles"))
    parts |= {joined for name in names for joined in _run_together(name)}
    short = frozenset(form for form in parts if 2 < len(form) < SHORTEST)
    return NameForms(
        parts=parts,
        beside=frozenset(known - parts),
        initials=frozenset(form[0] for form in known if form[0].isalpha()),
        monograms=frozenset(letters for name in names for letters in _monograms(name)),
        whole=tuple(sorted({text for name in names for text in _unspaced(name)}, key=lambda t: (-len(t), t))),
        misspelt=Misspelt(part for part in parts if len(part) >= SHORTEST),
        misspelt_beside=Misspelt(short),
        _openings=frozenset(part[:end] for part in parts for end in range(1, len(part))),
    )


def _texts(name: Name) -> Iterator[str]:
    yield from (text for text in (name.family, *name.given, name.text, name.suffix) if text)


def _forms(text: str) -> Iterator[str]:
    for written in _spellings(text):
        pieces = folded_words(written)
        yield from pieces
        for left, right in itertools.pairwise(pieces):
            yield left + right


def _spellings(text: str) -> set[str]:
    """As written; with umlauts written out; and with those that are written out taken back."""
    lower = text.casefold()
    out = "".join(_UMLAUTS.get(c, c) for c in lower)
    back = re.sub("ae|oe|ue", lambda found: found[0][0], lower)
    return {lower, out, back}


def _rare(text: str) -> Iterator[str]:
    """Words of a free text (maiden name, employer, birth place) that are no words of the language."""
    yield from (form for form in _forms(text) if len(form) > 3 and form not in dictionary() and not form.isdigit())


def _run_together(name: Name) -> set[str]:
    """`janesmith` and `smithjane`, as in the name of a file."""
    family = "".join(folded_words(name.family))
    firsts = ["".join(folded_words(given)) for given in name.given[:1]]
    return {form for first in firsts if len(first) > 1 and len(family) > 1 for form in (first + family, family + first)}


def _monograms(name: Name) -> set[str]:
    letters = [folded(part)[:1] for part in name.given if part]
    family = folded(name.family)[:1]
    if not letters or not family:
        return set()
    return {letters[0] + family, family + letters[0], "".join(letters) + family}


def _unspaced(name: Name) -> Iterable[str]:
    """王小明 of family 王 and given 小明; a given name alone from two characters on."""
    given = "".join(name.given)
    written = {name.family + given, given + name.family, name.text, given}
    return {text for text in written if len(text) > 1 and _IDEOGRAPHS.search(text)}
