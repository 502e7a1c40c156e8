"""Who is who in one document: the names that mean one person get one label."""

from __future__ import annotations

from ccit.clinical import Person
from ccit.deidentify.name_parts import forms_of
from ccit.deidentify.vocabulary import terms
from ccit.ports.deidentify import Known, folded_words


class Naming:
    """Numbers the people of a document, those of the record first as they appear.

    >>> naming = Naming(Known())
    >>> naming.person("Ann Roe"), naming.person("Li Wei"), naming.person("ROE")
    (0, 1, 0)
    """

    def __init__(self, known: Known) -> None:
        self._of_word: dict[str, int] = {}
        self._known = known.people
        self._of_known: dict[int, int] = {}
        self._people: list[Person | None] = []

    def person(self, name: str) -> int:
        """The number of whoever has this name: the one who shares a word of it, else a new one."""
        words = folded_words(name)
        telling = [word for word in words if len(word) > 1 and word not in terms("particles")] or words
        found = next((self._of_word[word] for word in telling if word in self._of_word), None)
        if found is None:
            found = self._from_record(telling)
        for word in telling:
            self._of_word.setdefault(word, found)
        return found

    def record_of(self, number: int) -> Person | None:
        """Whom of the record a number means, None for somebody else."""
        return self._people[number]

    def _from_record(self, words: list[str]) -> int:
        at = next((n for n, person in enumerate(self._known) if set(words) & forms_of((person,)).parts), None)
        if at is not None and at in self._of_known:
            return self._of_known[at]
        self._people.append(None if at is None else self._known[at])
        number = len(self._people) - 1
        if at is not None:
            self._of_known[at] = number
        return number
