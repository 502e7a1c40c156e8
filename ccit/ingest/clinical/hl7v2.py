"""HL7 v2 messages, one or a batch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from ccit.clinical import ClinicalDocument
from ccit.errors import ConfigError, InputError
from ccit.ingest.hl7.batch import messages_in
from ccit.ingest.hl7.charset import require_charset
from ccit.ingest.hl7.documents import documents_in
from ccit.ingest.hl7.message import parse
from ccit.ingest.strict import BYTE_ORDER_MARK
from ccit.plugins import PluginSettings, plugin
from ccit.ports.clinical import ClinicalContext
from ccit.ports.ingest import RawMessage

_BEGIN = (b"MSH", b"FHS", b"BHS")


@plugin("clinical_reader")
class Hl7Reader:
    """Reads HL7 v2 (ORU, MDM, ADT and all others): reports, results, diagnoses, allergies, procedures, medicines.

    Example
    -------
    >>> reader = Hl7Reader(Hl7Reader.Settings(), ClinicalContext(max_bytes=1000))
    >>> value = (b"MSH|^~\\\\&|LAB|NORTH|||2026||ORU^R01|7|P|2.5\\\\rPID|1||12^^^H||Doe^Jo\\\\r"
    ...          b"OBR|1||55|24^CHEST XRAY\\\\rOBX|1|TX|||Clear lungs.||||||F\\\\r").replace(b"\\\\r", b"\\r")
    >>> (document,) = reader.documents(RawMessage("application/hl7-v2", value, received_at=0.0))
    >>> document.title, document.text, document.status, document.subject, document.people[1].names[0].family
    ('CHEST XRAY', 'Clear lungs.', 'final', '12|H', 'Doe')
    """

    types: ClassVar[tuple[str, ...]] = ("application/hl7-v2", "application/hl7-v2+er7", "x-application/hl7-v2+er7")

    class Settings(PluginSettings):
        """How bytes without a declared character set are read."""

        kind: Literal["hl7v2"] = "hl7v2"
        charset: str = Field(
            "utf-8", description="of messages without MSH-18, by Python's name; where it fails, cp1252"
        )

        @field_validator("charset")
        @classmethod
        def _known(cls, charset: str) -> str:
            try:
                return require_charset(charset)
            except ConfigError as error:
                raise ValueError(str(error)) from error

    def __init__(self, settings: Settings, context: ClinicalContext) -> None:
        self._charset = settings.charset
        self._max_bytes = context.max_bytes

    def accepts(self, content_type: str, head: bytes) -> bool:
        """By its type, or by the first segment's name where no type is given."""
        return content_type in self.types or (
            not content_type and head.removeprefix(BYTE_ORDER_MARK).lstrip(b"\x0b \t\r\n").startswith(_BEGIN)
        )

    def documents(self, message: RawMessage) -> Iterator[ClinicalDocument]:
        """The documents of each message in it. Raises `InputError`."""
        value = message.value or b""
        if len(value) > self._max_bytes:
            raise InputError("too_large", f"expected at most {self._max_bytes} bytes, found {len(value)}; split it")
        found = list(messages_in([value], self._max_bytes)) or [value]  # what holds no MSH is refused by the parser
        parsed = {hashlib.sha256(one).hexdigest(): parse(one, self._charset) for one in found}  # each message once
        for digest, one in parsed.items():
            yield from documents_in(one, digest)
