"""The people whom the record itself names: patient, relatives, insured, authors, practitioners."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from ccit.deidentify.name_parts import NameForms, forms_of
from ccit.deidentify.vocabulary import dictionary, terms
from ccit.plugins import PluginSettings, plugin
from ccit.ports.deidentify import Page, RecogniserContext, Span, Word

_NEAR = re.compile(r"[\s.,'’\-\u00ad]{0,4}")  # between two parts of one name
_WITHIN = re.compile(r"['’\-\u00ad]?\s?|[\-\u00ad]?[ \t]*\r?\n[ \t]*")  # inside one part: O'Brien, Smi-\nth
_MOST_INITIALS = 5
_SENTENCE = re.compile(r"(?:^|[.!?:;\n•\-*])[\s\"'(\[]*$")
_DOSE = re.compile(r"[^\n]{0,24}?\d+(?:\.\d+)?\s?(?:mg|mcg|g|ml|units?|iu|%|day|tab\w*|cap\w*|puffs?|intra)", re.I)


@plugin("recogniser")
class KnownNames:
    """Finds every form of the names that the record holds, in any order, whole or in part.

    Of each name it knows: capitals, small letters and any mixture; accents left out, umlauts written out; parts of a
    hyphenated or apostrophised name alone, together and run together; the s of a genitive or a plural; initials
    beside a part (`J. Smith`, `Smith, J M`) and as a monogram with dots (`J.S.`); a part or a name that is split over
    a line break once, hyphenated or not; and one typing error (a letter missing, added, changed, or two swapped) in a
    part of five letters or more, or in one of three or four beside another part.

    Words that are not names are kept: an eponym before its noun (Foley catheter, Parkinson's disease), a drug before
    its dose, and words of the language (may, rose) in lower case. A word that differs from a name by a typing error
    is kept where it is a drug, an eponym, or a word of the dictionary in lower case or at the beginning of a
    sentence.

    Example
    -------
    >>> from ccit.clinical import Name, Person
    >>> from ccit.ports.deidentify import Known
    >>> known = Known(people=(Person("patient", names=(Name("Foley", ("Anna",)),)),))
    >>> page = Page("FOLEY, A. has a Foley catheter; Ana Foley's sister called.", known)
    >>> [page.text[s.start : s.end] for s in KnownNames(KnownNames.Settings(), RecogniserContext()).find(page)]
    ['FOLEY, A', 'Ana Foley']
    """

    class Settings(PluginSettings):
        """Nothing to set: the record says whom to look for."""

        kind: Literal["known_names"] = "known_names"

    def __init__(self, settings: Settings, context: RecogniserContext) -> None:
        pass

    def find(self, page: Page) -> Iterable[Span]:
        """The names, each with the initials beside it."""
        if not page.known.people:
            return
        forms = forms_of(page.known.people)
        yield from _unspaced(page.text, forms)
        for first, last in _runs(page, forms):
            yield Span(page.words[first].start, page.words[last].end, "name", "known_names")


def _unspaced(text: str, forms: NameForms) -> Iterator[Span]:
    for name in forms.whole:
        at = text.find(name)
        while at >= 0:
            yield Span(at, at + len(name), "name", "known_names")
            at = text.find(name, at + len(name))
        text = text.replace(name, "\0" * len(name))  # a given name alone is looked for elsewhere


def _runs(page: Page, forms: NameForms) -> Iterator[tuple[int, int]]:
    """First and last word of each name."""
    words = page.words
    sure = [False] * len(words)
    for at, word in enumerate(words):
        if not forms.passes(word.folded):
            for offset in range(_named(page, at, forms)):
                sure[at + offset] = True
    at = 0
    while at < len(words):
        if not sure[at]:
            at += 1
            continue
        first, last = at, at
        while last + 1 < len(words) and _near(page, last) and (sure[last + 1] or _belongs(page, last + 1, forms, last)):
            last += 1
        while first > 0 and _near(page, first - 1) and not sure[first - 1] and _belongs(page, first - 1, forms, first):
            first -= 1
        yield first, last
        at = last + 1


def _near(page: Page, at: int) -> bool:
    """Whether nothing but a blank, a comma, a dot or a hyphen stands after the word."""
    left, right = page.words[at], page.words[at + 1]
    if "." in page.text[left.end : right.start] and len(left.text) > 2:
        return left.folded in terms("particles")  # `Dr. Rose`, `St. Clair`: else a sentence ends here
    return _NEAR.fullmatch(page.text, left.end, right.start) is not None


def _named(page: Page, at: int, forms: NameForms) -> int:
    """How many words from here on are one part of a name: 0, 1, or 2 where it is split."""
    word = page.words[at]
    if forms.is_part(word.folded):
        return 0 if _kept(page, at, forms) else 1
    if at + 1 < len(page.words) and _split(page, at, forms):
        return 2
    if len(word.folded) == 1:
        return _monogram(page, at, forms)
    if forms.is_misspelt(word.folded) and not _other_word(page, word):
        return 1
    return 0


def _split(page: Page, at: int, forms: NameForms) -> bool:
    left, right = page.words[at], page.words[at + 1]
    if not forms.is_part(left.folded + right.folded):
        return False
    gap = page.text[left.end : right.start]
    return _WITHIN.fullmatch(gap) is not None and (gap != " " or left.folded in terms("joining_particles"))


def _monogram(page: Page, at: int, forms: NameForms) -> int:
    """The letters of `J.S.` or `J. M. S.`: each with a dot, with nothing but a blank between."""
    letters, last = "", at
    while last < min(len(page.words), at + _MOST_INITIALS) and len(page.words[last].folded) == 1:
        word = page.words[last]
        if page.text[word.end : word.end + 1] != "." or not word.text.isupper():
            break
        letters += word.folded
        if letters in forms.monograms and len(letters) > 1:
            return last - at + 1
        if last + 1 == len(page.words) or page.text[word.end + 1 : page.words[last + 1].start] not in ("", " "):
            break
        last += 1
    return 0


def _kept(page: Page, at: int, forms: NameForms) -> bool:
    """Whether a word that is spelt like a name is none here."""
    word = page.words[at]
    following = [other.folded for other in page.words[at + 1 : at + 4]]
    if word.folded in terms("eponyms") and terms("eponym_nouns") & set(
        following[:3] if "s" in following[:1] else following[:2]
    ):
        return True
    if word.folded in terms("drugs") and _DOSE.match(page.text, word.end):
        return True
    if word.folded not in terms("common_words") or _beside_a_part(page, at, forms):
        return False
    if word.folded in ("will", "may") and following[:1] and following[0] in terms("bare_verbs"):
        return True
    if word.folded == "may" and following[:1] and following[0].isdigit():
        return True
    return word.text.islower()


def _beside_a_part(page: Page, at: int, forms: NameForms) -> bool:
    """Whether a title or another part of a name that is no common word stands beside it."""
    if at and _near(page, at - 1):
        before = page.words[at - 1].folded
        if before in terms("titles") or (before in forms.parts and not _verb_after(page, at)):
            return True
    return at + 1 < len(page.words) and _near(page, at) and page.words[at + 1].folded in forms.parts


def _verb_after(page: Page, at: int) -> bool:
    """`smith will follow up`: the auxiliary after a name."""
    if page.words[at].text not in ("will", "may") or at + 1 == len(page.words):
        return False
    following = page.words[at + 1].folded
    return following in terms("bare_verbs") or (following in dictionary() and following not in terms("common_words"))


def _other_word(page: Page, word: Word) -> bool:
    """Whether a word one typing error away from a name is another word instead."""
    if word.folded in terms("drugs") or word.folded in terms("eponyms"):
        return True
    if word.folded not in dictionary():
        return False
    return word.text.islower() or _SENTENCE.search(page.text, max(0, word.start - 8), word.start) is not None


def _belongs(page: Page, at: int, forms: NameForms, beside: int) -> bool:
    """Whether a word beside a name is part of it: an initial, a particle, or a short part with a typing error."""
    word, other = page.words[at], page.words[beside]
    if word.folded in forms.parts:  # a word of the language, kept where it stands alone
        return not _verb_after(page, at)
    if word.folded in forms.beside and not word.folded.isdigit():
        lower = word.text.islower() and not other.text.islower()
        return not (lower and len(word.folded) == 1)
    dotted = page.text[word.end : word.end + 1] == "."
    if len(word.folded) == 1 and word.folded in forms.initials:
        return word.text.isupper() or dotted or (other.text.islower() and word.folded not in "ai")
    if (
        word.text.isupper()
        and 1 < len(word.text) < 4
        and not other.text.isupper()
        and set(word.folded) <= forms.initials
    ):
        return word.folded in forms.monograms or all(letter in forms.initials for letter in word.folded)
    if len(word.folded) > 2 and forms.misspelt_beside.meant(word.folded):
        return not word.text.islower() or word.folded not in dictionary()
    return False
