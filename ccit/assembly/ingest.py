"""What reads messages, and what takes identities out of clinical ones."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from ccit.config import Config
from ccit.deidentify.deidentifier import Deidentifier
from ccit.deidentify.documents import DocumentCleaner
from ccit.deidentify.safe_harbor import SafeHarbor
from ccit.deidentify.shifted import Shifted
from ccit.deidentify.surrogates import KeyedSurrogates, SurrogateTable
from ccit.plugin_tables import selected
from ccit.plugins import build
from ccit.ports.clinical import ClinicalContext, ClinicalReader
from ccit.ports.deidentify import RecogniserContext
from ccit.ports.ingest import Reader, ReaderContext
from ccit.store.private import read_key


def readers(config: Config) -> tuple[Reader, ...]:
    """What reads messages, in the order in which they are asked."""
    context = ReaderContext(config.ingest.max_bytes)
    made: list[Reader] = [build("reader", settings, context) for settings in selected(config.ingest.readers)]
    return tuple(sorted(made, key=lambda reader: reader.fallback))


def clinical_readers(config: Config) -> tuple[ClinicalReader, ...]:
    """What finds clinical documents in messages, in the order in which they are asked."""
    context = ClinicalContext(config.clinical.max_bytes)
    return tuple(build("clinical_reader", settings, context) for settings in selected(config.clinical.readers))


def document_cleaner(config: Config) -> DocumentCleaner:
    """What takes identities out of clinical documents, as configured. Raises `ConfigError`."""
    mode, table = deidentification_mode(config), config.deidentify.table_file
    surrogates = KeyedSurrogates(mode) if isinstance(mode, Shifted) else SurrogateTable(Path(table) if table else None)
    return DocumentCleaner(deidentifier(config), surrogates, date.today().year)


def deidentifier(config: Config) -> Deidentifier:
    """What takes identities out of a text, as configured. Raises `ConfigError` where a key is missing."""
    settings = config.deidentify
    context = RecogniserContext(tuple(settings.regions))
    found = {kind: build("recogniser", chosen, context) for kind, chosen in sorted(settings.recognisers.items())}
    return Deidentifier(found, deidentification_mode(config))


def deidentification_mode(config: Config) -> SafeHarbor | Shifted:
    """What takes the place of identifiers, as configured. Raises `ConfigError`."""
    settings = config.deidentify
    if settings.mode == "safe_harbor":
        return SafeHarbor(day_first=settings.day_first)
    return Shifted(read_key(settings.key_file, "deidentify.key_file"), day_first=settings.day_first)
