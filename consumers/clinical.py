"""clinical -> raw: messages that name patients become rows that do not.

Where `[generation]` is configured they become documents on the topic of that name, of which `ccit generate` makes rows.

What cannot be read, and what still shows somebody after masking, is a sealed dead letter (`sealed_letters.py`). No log
line, metric, header or key written here comes from a message: only what de-identification gave back goes on.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from ccit.assembly.ingest import clinical_readers, document_cleaner
from ccit.clinical import ClinicalDocument
from ccit.config import Config
from ccit.deidentify.documents import CleanDocument
from ccit.errors import InputError
from ccit.ingest.document_rows import row_from_document
from ccit.ports.clinical import ClinicalReader
from ccit.ports.ingest import RawMessage
from consumers.connection import commit_protocol, kafka_settings
from consumers.content_type import content_type
from consumers.kafka.batches import BatchLimits, BatchLoop
from consumers.kafka.messages import Delivered, KafkaMessage, Output
from consumers.kafka.topics import Topics
from consumers.resends import Resends
from consumers.sealed_letters import sealed_letter

logger = logging.getLogger("ccit.clinical")

_STAGE = "clinical"
_HEAD_BYTES = 64  # of a message, for a reader to tell its format by
_TYPE: tuple[tuple[str, bytes], ...] = (("content-type", b"application/json"),)

# What code raises where its author did not think of a message. The text of such an error may quote the message.
_CODE_RAISES = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


class ClinicalStep:
    """Messages of `clinical` in, rows and sealed letters out.

    It remembers digests of messages (`Resends`) and, in the surrogates' table, who stands for whom: both give the same
    answer when a batch is decided again. What it counts is taken over by `committed`.
    """

    def __init__(self, config: Config) -> None:
        self._topics = Topics(config.kafka.prefix)
        self._readers = clinical_readers(config)
        self._cleaner = document_cleaner(config)
        self._max_row = config.ingest.max_bytes
        self._generating = "generation" in config.model_fields_set
        self._resends = Resends()
        self._documents: Counter[str] = Counter()
        self._identifiers: Counter[str] = Counter()
        self.documents: Counter[str] = Counter()  # by what became of them
        self.identifiers: Counter[str] = Counter()  # masked, by kind

    def __call__(self, messages: Sequence[KafkaMessage]) -> list[Output]:
        """The outputs of each message, in order."""
        self._documents.clear()
        self._identifiers.clear()
        return [output for message in messages for output in self._outputs(message)]

    def committed(self, _: Sequence[Delivered] = ()) -> None:
        """The batch is in the log: what was counted of it holds."""
        self.documents += self._documents
        self.identifiers += self._identifiers

    def _outputs(self, message: KafkaMessage) -> list[Output]:
        if message.fault is None and self._resends.again(message):
            self._documents["sent_again"] += 1
            return []
        try:
            documents = self._read(message)
        except InputError as error:
            self._resends.forget(message)
            return [sealed_letter(message, error, _STAGE, self._topics)]
        return [
            output for number, document in enumerate(documents, 1) for output in self._of(document, number, message)
        ]

    def _read(self, message: KafkaMessage) -> list[ClinicalDocument]:
        """All documents of a message: nothing is read by half."""
        said, head = content_type(message), (message.value or b"")[:_HEAD_BYTES]
        for reader in self._readers:
            if reader.accepts(said, head):
                at = max(message.timestamp_ms, 0) / 1000
                return _found(reader, RawMessage(said, message.value, at))
        raise InputError(
            "unsupported_type", "expected a message that a clinical reader accepts (`ccit plugins`), found another"
        )

    def _of(self, document: ClinicalDocument, number: int, message: KafkaMessage) -> Iterator[Output]:
        """The row of a document, its own dead letter, or nothing."""
        try:
            clean = self._cleaned(document)
            row = row_from_document(clean.body)
            value = _encoded(clean.body if self._generating else row, self._max_row)
        except InputError as error:
            self._documents["held_back"] += 1
            said = InputError(error.reason, f"document {number} of the message: {error.detail}")
            yield sealed_letter(message, said, _STAGE, self._topics)
            return
        if row is None:
            self._documents["withdrawn" if document.status == "withdrawn" else "without_text"] += 1
            return
        self._documents["written"] += 1
        self._identifiers.update(clean.masked)
        to = self._topics.documents if self._generating else self._topics.raw
        yield Output(to.name, str(row["subject"]).encode(), value, _TYPE)

    def _cleaned(self, document: ClinicalDocument) -> CleanDocument:
        try:
            return self._cleaner.clean(document)
        except _CODE_RAISES as fault:
            kind = type(fault).__name__
        raise InputError("identifying", f"expected a clean document, but de-identification raised {kind}; report it")


def _encoded(row: Mapping[str, Any] | None, most: int) -> bytes:
    """The row as it is written. Raises `InputError` for one that no reader of `raw` would take."""
    value = orjson.dumps(row)
    if len(value) > most:
        raise InputError("too_large", f"expected a row of at most {most} bytes, found {len(value)}")
    return value


def _found(reader: ClinicalReader, message: RawMessage) -> list[ClinicalDocument]:
    try:
        return list(reader.documents(message))
    except _CODE_RAISES as fault:
        kind = type(fault).__name__
    raise InputError(
        "wrong_schema", f"expected documents, but the reader raised {kind}; report it to the reader's maker"
    )


def clinical_loop(config: Config, instance: str) -> tuple[BatchLoop, ClinicalStep]:
    """The process `ccit clinical` and what it counts; `instance` names this one among several."""
    settings, step = kafka_settings(config), ClinicalStep(config)
    if config.deidentify.mode == "safe_harbor" and not config.deidentify.table_file:
        logger.warning(
            "deidentify.table_file is not set: after a restart each patient has another pseudonym; name a file that "
            "stays in the hospital"
        )
    loop = BatchLoop(
        settings,
        _STAGE,
        [Topics(settings.prefix).clinical.name],
        step,
        commit_protocol(settings, f"{_STAGE}-{instance}"),
        limits=BatchLimits(config.kafka.batch_size, int(config.kafka.linger_seconds * 1000)),
        on_committed=step.committed,
    )
    return loop, step
