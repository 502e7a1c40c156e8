"""What would become of messages at the hospital's door, counted: `ccit inspect`.

Nothing here is written or sent. What is shown of a text has gone through de-identification, and only that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from ccit.clinical import ClinicalDocument
from ccit.deidentify.documents import CleanDocument, DocumentCleaner
from ccit.errors import InputError
from ccit.ingest.clinical_files.pieces import Piece
from ccit.ports.clinical import ClinicalReader
from ccit.ports.ingest import RawMessage

_HEAD_BYTES = 64
_MOST_SENTENCES = 50

# What code raises where its author did not think of a message. The text of such an error may quote the message.
_CODE_RAISES = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
_Result = TypeVar("_Result")
_COUNTED = ("found", "documents", "samples", "masked", "held_back", "refused", "noticed")


@dataclass(slots=True)
class Account:
    """What became of the messages of one file, or of many.

    Parameters
    ----------
    found : Counter[str]
        Messages or resources, by type.
    passed_over : Counter[str]
        Of them, resources that are no document: people and places beside others, and types that are not read.
    documents, samples : Counter[str]
        Documents that were read, and instruction rows made of them, by the type of their message.
    characters : int
        Of all texts before masking.
    masked, held_back : Counter[str]
        Identifiers that were masked, by class; documents that did not come out clean, by reason.
    refused : Counter[str]
        Messages that could not be read, by reason.
    noticed : Counter[str]
        What does no harm, by its sentence.
    sentences : dict[str, str]
        Place of each of the first refusals -> why.
    """

    found: Counter[str] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)
    documents: Counter[str] = field(default_factory=Counter)
    samples: Counter[str] = field(default_factory=Counter)
    characters: int = 0
    masked: Counter[str] = field(default_factory=Counter)
    held_back: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    noticed: Counter[str] = field(default_factory=Counter)
    sentences: dict[str, str] = field(default_factory=dict)

    def add(self, other: Account) -> None:
        """Count what another one has counted."""
        for name in (*_COUNTED, "passed_over"):
            getattr(self, name).update(getattr(other, name))
        self.characters += other.characters

    def as_json(self) -> dict[str, Any]:
        """For `--json`: every count, in alphabetical order."""
        counts = {name: dict(sorted(getattr(self, name).items())) for name in (*_COUNTED, "passed_over")}
        return {**counts, "characters": self.characters, "sentences": self.sentences}


class Inspection:
    """Reads and cleans messages as the door does, and counts.

    Parameters
    ----------
    readers : Sequence[ClinicalReader]
        In the order in which they are asked.
    row_of : Callable
        The instruction row of a cleaned document; None where it gives none.
    on_clean : Callable[[str, CleanDocument], None]
        Told each document that came out clean, with its place.
    """

    def __init__(
        self,
        readers: Sequence[ClinicalReader],
        cleaner: DocumentCleaner,
        row_of: Callable[[Mapping[str, Any]], Mapping[str, Any] | None],
        on_clean: Callable[[str, CleanDocument], None] = lambda *_: None,
    ) -> None:
        self._readers = readers
        self._cleaner = cleaner
        self._row_of = row_of
        self._on_clean = on_clean

    def piece(self, piece: Piece, account: Account) -> None:
        """Count what becomes of one message."""
        if piece.kind:
            account.found[piece.kind] += 1
        try:
            documents = self._documents(piece)
        except InputError as error:
            account.refused[error.reason] += 1
            if len(account.sentences) < _MOST_SENTENCES:
                account.sentences[piece.place or "file"] = str(error)
            return
        if not piece.value:
            account.passed_over[piece.kind] += 1
        for document in documents:
            self._document(document, piece.place, account)

    def _documents(self, piece: Piece) -> list[ClinicalDocument]:
        if piece.fault is not None:
            raise piece.fault
        if not piece.value:
            return []
        message = RawMessage(piece.content_type, piece.value, received_at=0.0)
        for reader in self._readers:
            if reader.accepts(piece.content_type, piece.value[:_HEAD_BYTES]):
                return _guarded("the reader", partial(_read, reader, message))
        raise InputError("unsupported_type", "expected a message that a reader of [clinical.readers] takes, found none")

    def _document(self, document: ClinicalDocument, place: str, account: Account) -> None:
        kind = document.origin.kind
        account.documents[kind] += 1
        account.characters += len(document.text)
        account.noticed.update(f"{note.kind}: {note.detail}" for note in document.notes)
        try:
            clean = _guarded("de-identification", partial(self._cleaner.clean, document))
        except InputError as error:
            account.held_back[error.reason] += 1
            return
        account.masked.update(clean.masked)
        if self._row_of(clean.body) is not None:
            account.samples[kind] += 1
        self._on_clean(place, clean)


def _read(reader: ClinicalReader, message: RawMessage) -> list[ClinicalDocument]:
    return list(reader.documents(message))


def _guarded(what: str, work: Callable[[], _Result]) -> _Result:
    """Do it; a fault of the code costs one message, as in `ccit clinical`. Raises `InputError`."""
    try:
        return work()
    except _CODE_RAISES as fault:
        kind = type(fault).__name__
    raise InputError("wrong_schema", f"expected an answer of {what}, but it raised {kind}; report it")
