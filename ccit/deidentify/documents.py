"""A clinical document without its identities: what leaves `ccit.clinical`.

Everything in it that is text goes through the recognisers. What stands under the key of a terminology and looks like a
code, which holds no blanks, is looked at for the record's own numbers and names alone. What names the document and its
patient becomes a surrogate. Nothing of the message is kept: no digest, no sender, no number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ccit.clinical import ClinicalDocument
from ccit.deidentify.deidentifier import Deidentifier
from ccit.errors import InputError
from ccit.ports.deidentify import Known, Replacing, Span

REASON = "identifying"
"""Of a dead letter: something of the record was still found after masking."""

_CODES = frozenset({"code", "codes", "coding", "system", "loinc", "snomed", "icd", "version"})
"""Keys under which terminologies speak, of codes that look like telephone numbers or dates, and of systems by URL."""
_CODE = re.compile(r"[!-~]{1,200}")  # a URL of a code system is the longest; whoever writes a sentence leaves blanks
_WORDS = frozenset({"text", "display", "name", "title"})  # keys under which people write, beside a code too
_ABOUT_THE_RECORD = ("known_names", "known_numbers", "known_places")
_YEAR = re.compile(r"(?:19|20)\d\d")
_A_YEAR = re.compile(r"\s*(?:1[89]|20)\d\d\s*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-hans|-hant|-latn|-cyrl|-arab)?(?:-(?:[a-z]{2}|\d{3}))?", re.IGNORECASE)
"""BCP 47: language, a script of the common ones (four letters may be a name), region."""
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


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

    Parameters
    ----------
    this_year : int | None
        In which a document that does not say it counts as written: years 90 before that tell an age over 89.

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

    def __init__(self, deidentifier: Deidentifier, surrogates: Surrogates, this_year: int | None = None) -> None:
        self._deidentifier = deidentifier
        self._surrogates = surrogates
        self._this_year = this_year

    def clean(self, document: ClinicalDocument) -> CleanDocument:
        """The document without its identities.

        Raises
        ------
        InputError
            `identifying`, with kinds and numbers and nothing of the text: something was still found after masking.
        """
        known = known_of(document, self._this_year)
        work = _Work(self._deidentifier, known, self._deidentifier.page(known, document.subject))
        body = {
            "title": work.text(document.title),
            "text": work.text(document.text),
            "kind": work.text(document.kind),
            "language": document.language if _LANGUAGE.fullmatch(document.language) else "",
            "status": document.status,
            "form": document.origin.form,
            "written": work.date(document.written),
            "dates": {work.text(name): work.date(day) for name, day in document.dates.items()},
            "fields": work.value(document.fields),
        }
        if work.left:
            found = ", ".join(f"{kind} ({n})" for kind, n in sorted(Counter(s.kind for s in work.left).items()))
            raise InputError(REASON, f"expected nothing of the record after masking, found {found}; it is held back")
        return CleanDocument(self._named(document) | body, dict(sorted(work.masked.items())))

    def _named(self, document: ClinicalDocument) -> dict[str, Any]:
        """Senders number their documents by themselves: the same number of another one is another document."""
        own, *replaced = (
            self._surrogates.of("document", f"{document.origin.sender}\0{number}")
            for number in (document.document_id, *document.replaces)
        )
        subject = self._surrogates.of("subject", document.subject) if document.subject else own
        return {"document": own, "subject": subject, "replaces": replaced}


def known_of(document: ClinicalDocument, this_year: int | None = None) -> Known:
    """What a document's record says of people: the deny-list of its texts; written in `this_year` if it says none."""
    year = _YEAR.search(document.written)
    numbers = (document.document_id, document.subject, document.origin.message_id, *document.replaces)
    said = set(_codes_in(document.fields))  # readers name a fact by its code too, which names nobody
    parts = (
        part
        for number in numbers
        for part in (number, *re.split(r"[/|^:]", number))
        if part not in said and any(c.isdigit() for c in part)
    )
    return Known(
        people=document.people,
        places=document.places,
        numbers=tuple(dict.fromkeys(parts)),
        year=int(year[0]) if year else this_year,
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

    def date(self, text: str) -> str:
        """What stands where a date belongs: a year alone is a text, everything else a date in whatever form."""
        if not text.strip() or _A_YEAR.fullmatch(text):
            return self.text(text)
        self.masked["date"] += 1
        return self._replacing.replacement("date", text.strip())

    def value(self, value: Any, label: str = "", *, codes: bool = False) -> Any:
        """A JSON value with every text and number in it cleaned; a number that is somebody's becomes a text.

        Parameters
        ----------
        label : str
            The key under which it stands: `account: 4711` is told from `4711`.
        codes : bool
            Whether a terminology speaks here; a sentence is read as one all the same.
        """
        if isinstance(value, Mapping):
            return {self.text(key): self._under(key, inner, codes) for key, inner in _named(value)}
        if isinstance(value, list | tuple):
            return [self.value(inner, label, codes=codes) for inner in value]
        if value is None or isinstance(value, bool):
            return value
        written = str(value)
        is_code = codes and _CODE.fullmatch(written) is not None
        cleaned = self.text(written, _ABOUT_THE_RECORD) if is_code else self._labelled(label, written)
        return value if cleaned == written else cleaned

    def _under(self, key: str, value: Any, codes: bool) -> Any:
        return self.value(value, key, codes=(codes or key in _CODES) and key not in _WORDS)

    def _labelled(self, label: str, text: str) -> str:
        """A text as the recognisers see it with its label before it."""
        words = _CAMEL.sub(" ", label.replace("_", " "))
        if not words.strip():
            return self.text(text)
        found = self.text(f"{words}: {text}")
        for before in (words, self.text(words)):
            if found.startswith(f"{before}: "):
                return found[len(before) + 2 :]
        return found  # label and text were masked as one


def _named(value: Mapping[Any, Any]) -> list[tuple[str, Any]]:
    return [(str(key), inner) for key, inner in value.items()]


def _codes_in(value: Any) -> Iterator[str]:
    """The codes of terminologies in JSON values."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "code" and isinstance(inner, str):
                yield inner
            else:
                yield from _codes_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _codes_in(inner)
