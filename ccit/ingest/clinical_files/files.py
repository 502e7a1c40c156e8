"""Files of clinical records, of all forms -> pieces, each a message that can be read alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType

from ccit.errors import InputError
from ccit.ingest.clinical_files.context import Context
from ccit.ingest.clinical_files.exports import Found, entries_of_lines, entries_of_value, piece_of, too_large
from ccit.ingest.clinical_files.opening import UNPACKING, Form, Opened, form_of, opened
from ccit.ingest.clinical_files.pieces import Piece
from ccit.ingest.fhir.resources import Entry
from ccit.ingest.hl7.batch import messages_in
from ccit.ingest.hl7.documents import subject_of
from ccit.ingest.hl7.message import parse

_HL7_TYPE = "application/hl7-v2"
_CHUNK = 64 * 1024
_READERS: dict[Form, Callable[[Opened, int], Iterator[Found]]] = {"lines": entries_of_lines, "json": entries_of_value}


class ClinicalFiles:
    """The messages of files of HL7 v2 and FHIR. FHIR files are read twice: first for what resources refer to.

    All files together are one export: a note of one file finds its patient in another.

    Parameters
    ----------
    max_bytes : int
        Largest message.
    on_read : Callable[[Path, int], None]
        Told, while files are read for the first time, how many bytes of one were.
    """

    def __init__(
        self, paths: Sequence[Path], max_bytes: int, on_read: Callable[[Path, int], None] = lambda *_: None
    ) -> None:
        self._max_bytes = max_bytes
        self.forms = {path: form_of(path, max_bytes) for path in paths}
        self._context = Context()
        for path in paths:
            for _, found, at in self._found(path):
                if isinstance(found, Entry):
                    self._context.add(found)
                on_read(path, at)

    def __enter__(self) -> ClinicalFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.close()

    def pieces(self, path: Path) -> Iterator[Piece]:
        """What a file holds, in order. Nothing in a file ends this but the end of the file. Raises `OSError`."""
        if self.forms[path] == "hl7v2":
            yield from self._messages(path)
        elif self.forms[path]:
            for place, found, at in self._found(path):
                yield replace(piece_of(place, found, self._context, self._max_bytes), at=at)
        else:
            fault = InputError(
                "unsupported_type", "expected HL7 v2 or FHIR in JSON, packed by gzip or not, found neither"
            )
            yield Piece("", fault=fault, at=path.stat().st_size)

    def _found(self, path: Path) -> Iterator[tuple[str, Entry | bytes | InputError, int]]:
        read = _READERS.get(self.forms[path])
        if read is None:
            return
        with opened(path) as file:
            try:
                for place, found in read(file, self._max_bytes):
                    yield place, found, file.at()
            except UNPACKING:
                yield "", _damaged(), file.at()

    def _messages(self, path: Path) -> Iterator[Piece]:
        with opened(path) as file:
            chunks = iter(partial(file.stream.read, _CHUNK), b"")
            number = 0
            try:
                for number, value in enumerate(messages_in(chunks, self._max_bytes), start=1):
                    if len(value) > self._max_bytes:
                        fault = too_large("message", self._max_bytes)
                        yield Piece(f"message {number}", fault=fault, at=file.at())
                        continue
                    kind, subject = _about(value)
                    yield Piece(f"message {number}", kind, value, _HL7_TYPE, subject, at=file.at())
            except UNPACKING:
                yield Piece(f"message {number + 1}", fault=_damaged(), at=file.at())


def _about(value: bytes) -> tuple[str, str]:
    """Type of a message and its patient; nothing of one that cannot be read."""
    try:
        message = parse(value)
    except InputError:
        return "", ""
    return message.kind, subject_of(message)


def _damaged() -> InputError:
    return InputError("wrong_schema", "expected a whole gzip archive, found a damaged one; what came before is read")
