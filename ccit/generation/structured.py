"""Rows of structured records (a diagnosis, a prescription, measured values) by templates: no model, nothing made up.

A template is a Jinja file as a prompt is, with the blocks `instruction`, `input` and `output`; its name begins with the
kind of document that it is for (`ccit/ingest/hl7/facts.py`, `ccit/ingest/fhir/facts.py`). A block `output` that comes
out empty gives no row: there was nothing to tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Template

from ccit.errors import ConfigError
from ccit.generation.jinja import JinjaFiles, files_of, makes_row, row_in
from ccit.generation.rows import row_of
from ccit.generation.source import LANGUAGES, Language, SourceText

_VALUES = frozenset({"record", "title", "fields", "kind"})


@dataclass(frozen=True, slots=True)
class _Structured:
    name: str
    digest: str
    template: Template


class StructuredTemplates:
    """The newest template of each kind and language.

    Parameters
    ----------
    own : Path, optional
        A folder of the user's, with a folder for each language in it; its files hide those of the same name here.

    Raises
    ------
    ConfigError
        A template asks for what nobody gives it.

    Example
    -------
    >>> templates = StructuredTemplates()
    >>> body = {"document": "d", "subject": "s", "kind": "medication", "title": "Lisinopril 10 mg",
    ...         "fields": {"dosage": "1 per day", "status": "stopped"}}
    >>> print(templates.row(body, SourceText("Medication: Lisinopril 10 mg", "en", "0"))["output"])
    Lisinopril 10 mg. Dosage: 1 per day. Status: stopped.
    """

    def __init__(self, own: Path | None = None) -> None:
        self._templates = {
            language: _newest(files_of("templates", language, own, holes=True), language) for language in LANGUAGES
        }

    def row(self, body: Mapping[str, Any], source: SourceText) -> dict[str, Any] | None:
        """The row of a structured document; None where no template is for its kind, or there is nothing to tell."""
        found = self._templates[source.language].get(str(body.get("kind", "")).lower())
        fields = body.get("fields") or {}
        if found is None or not fields:
            return None
        values = {"record": source.text, "title": str(body.get("title") or ""), "fields": fields, "kind": body["kind"]}
        try:
            said = row_in(found.template, values)
        except ConfigError:
            return None  # fields of a shape that no template was written for
        if not said["output"] or not said["instruction"]:
            return None
        how = {"prompt": found.name, "prompt_digest": found.digest, "record_digest": source.digest, "model": ""}
        return row_of(body, source, said, how | {"evidence": [], "asked": 0})


def _newest(files: JinjaFiles, language: Language) -> dict[str, _Structured]:
    found: dict[str, _Structured] = {}
    for name in sorted(files.names(), key=lambda name: int(name.rpartition(".v")[2])):
        kind = name.rpartition(".v")[0]
        template = files.template(name)
        if makes_row(template):
            files.asks_for(name, _VALUES)
            found[kind] = _Structured(f"{name}.{language}", files.digest(name), template)
    return found
