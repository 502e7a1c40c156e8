"""A clinical document without its identities: what leaves `ccit.clinical`.

Everything in it that is text goes through the recognisers, codes apart, which are looked at for the record's own
numbers and names alone. What names the document and its patient becomes a surrogate. Nothing of the message is kept:
no digest, no sender, no number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ccit.clinical import ClinicalDocument
from ccit.deidentify.deidentifier import Deidentifier
from ccit.errors import InputError
from ccit.ports.deidentify import Known, Replacing, Span

REASON = "identifying"
"""Of a dead letter: something of the record was still found after masking."""

_CODED = "code codes coding system unit units loinc snomed icd kind type version"
_CODES = frozenset(_CODED.split())  # keys under which terminologies speak
_ABOUT_THE_RECORD = ("known_names", "known_numbers", "known_places")
_YEAR = re.compile(r"(?:19|20)\d\d")


class Surrogates(Protocol):
    """Gives what stands for a value."""

    def of(self, kind: str, value: str) -> str:
        """The same for the same value of the same kind."""


@dataclass(frozen=True, slots=True)
class CleanDocument:
    """What may go on.

    Parameters
    ----------
    body : Mapping
        The document as JSON values: `document`, `subject`, `title`, `text`, `kind`, `language`, `status`, `written`,
        `dates`, `fields`, `replaces`, `form`.
    masked : Mapping[str, int]
        Identifiers found, by kind.
    """

    body: Mapping[str, Any] = field(repr=False)
    masked: Mapping[str, int]


class DocumentCleaner:
    """Takes the identities out of documents.

    Example
    -------
    >>> from ccit.clinical import Origin
    >>> from ccit.deidentify.safe_harbor import SafeHarbor
    >>> from ccit.deidentify.surrogates import SurrogateTable
    >>> from ccit.testing import recognisers
    >>> cleaner = DocumentCleaner(Deidentifier(recognisers(), SafeHarbor()), SurrogateTable(None))
    >>> note = ClinicalDocument("7", Origin("fhir", "DocumentReference", "7", ""), text="Seen by Dr. Roe on 3/14/2019.")
    >>> cleaner.clean(note).body["text"]
    'Seen by Dr. [NAME-1] on [2019].'
    """

    def __init__(self, deidentifier: Deidentifier, surrogates: Surrogates) -> None:
        self._deidentifier = deidentifier
        self._surrogates = surrogates

    def clean(self, document: ClinicalDocument) -> CleanDocument:
        """The document without its identities.

        Raises
        ------
        InputError
            `identifying`, with kinds and numbers and nothing of the text: something was still found after masking.
        """
        known = known_of(document)
        work = _Work(self._deidentifier, known, self._deidentifier.page(known, document.subject))
        body = {
            "title": work.text(document.title),
            "text": work.text(document.text),
            "kind": work.text(document.kind),
            "language": document.language,
            "status": document.status,
            "form": document.origin.form,
            "written": work.text(document.written),
            "dates": {name: work.text(day) for name, day in document.dates.items()},
            "fields": work.value(document.fields, codes=False),
        }
        if work.left:
            found = ", ".join(f"{kind} ({n})" for kind, n in sorted(Counter(s.kind for s in work.left).items()))
            raise InputError(REASON, f"expected nothing of the record after masking, found {found}; it is held back")
        return CleanDocument(self._named(document) | body, dict(sorted(work.masked.items())))

    def _named(self, document: ClinicalDocument) -> dict[str, Any]:
        own = self._surrogates.of("document", document.document_id)
        return {
            "document": own,
            "subject": self._surrogates.of("subject", document.subject) if document.subject else own,
            "replaces": [self._surrogates.of("document", other) for other in document.replaces],
        }


def known_of(document: ClinicalDocument) -> Known:
    """What a document's record says of people: the deny-list of its texts."""
    year = _YEAR.search(document.written)
    numbers = (document.document_id, document.subject, document.origin.message_id, *document.replaces)
    parts = (
        part for number in numbers for part in (number, *re.split(r"[/|^:]", number)) if any(c.isdigit() for c in part)
    )
    return Known(
        people=document.people,
        places=document.places,
        numbers=tuple(dict.fromkeys(parts)),
        year=int(year[0]) if year else None,
    )


class _Work:
    """One document on its way."""

    def __init__(self, deidentifier: Deidentifier, known: Known, replacing: Replacing) -> None:
        self._deidentifier, self._known, self._replacing = deidentifier, known, replacing
        self.masked: Counter[str] = Counter()
        self.left: list[Span] = []

    def text(self, text: str, only: tuple[str, ...] = ()) -> str:
        if not text:
            return text
        cleaned = self._deidentifier.clean_page(text, self._known, self._replacing, only)
        self.masked.update(span.kind for span in cleaned.replaced)
        self.left += cleaned.left
        return cleaned.text

    def value(self, value: Any, *, codes: bool) -> Any:
        """A JSON value with every text in it cleaned; a number that the record holds as somebody's becomes a text."""
        if isinstance(value, Mapping):
            items = ((str(key), inner) for key, inner in value.items())
            return {self.text(key): self.value(inner, codes=codes or key in _CODES) for key, inner in items}
        if isinstance(value, list | tuple):
            return [self.value(inner, codes=codes) for inner in value]
        if isinstance(value, str):
            return self.text(value, _ABOUT_THE_RECORD if codes else ())
        if isinstance(value, int) and not isinstance(value, bool):
            written = self.text(str(value), _ABOUT_THE_RECORD)
            return value if written == str(value) else written
        return value
