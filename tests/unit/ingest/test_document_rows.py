from __future__ import annotations

from typing import Any

import orjson
import pytest

from ccit.ingest.document_rows import row_from_document
from ccit.ingest.rows import parse_row, record_from_row, sample_from_record

BODY: dict[str, Any] = {
    "document": "d" * 32,
    "subject": "s" * 32,
    "title": "CHEST XRAY",
    "kind": "CHEST XRAY",
    "text": "Clear lungs.",
    "language": "en",
    "status": "final",
    "form": "hl7v2",
    "fields": {"reason": "cough", "code": {"code": "24"}},
    "replaces": [],
}


def test_a_document_is_a_row_that_ingest_reads() -> None:
    row = row_from_document(BODY)
    record = record_from_row(parse_row(orjson.dumps(row), 10_000), 0.0)
    sample = sample_from_record(record)
    assert record.subject == "s" * 32
    assert sample.instruction == 'Write the entry "CHEST XRAY" of this medical record.\nReason: cough'
    assert (sample.response, sample.lang, sample.source) == ("Clear lungs.", "en", "clinical")


def test_the_same_document_is_the_same_record_and_a_revision_another_of_the_same_document() -> None:
    first, again = row_from_document(BODY), row_from_document(dict(BODY))
    revised = row_from_document(BODY | {"text": "A shadow on the left.", "status": "amended"})
    assert first is not None
    assert revised is not None
    assert first == again
    assert first["id"] != revised["id"]
    assert first["meta"]["document"] == revised["meta"]["document"]
    assert revised["meta"]["status"] == "amended"


@pytest.mark.parametrize("change", [{"status": "withdrawn"}, {"text": " \n"}, {"text": ""}])
def test_what_is_withdrawn_or_empty_gives_no_row(change: dict[str, str]) -> None:
    assert row_from_document(BODY | change) is None


@pytest.mark.parametrize("said", ["Jo Doe", "english", "e", "en-roe-doe", "4711"])
def test_a_language_that_is_none_does_not_go_on(said: str) -> None:
    row = row_from_document(BODY | {"language": said})
    assert row is not None
    assert row["lang"] == ""


@pytest.mark.parametrize(("said", "kept"), [("[2019]", "[2019]"), ("2019-03-14", "2019-03-14"), ("by Jo Doe", None)])
def test_a_date_that_is_none_does_not_go_on(said: str, kept: str | None) -> None:
    row = row_from_document(BODY | {"written": said})
    assert row is not None
    assert row["meta"].get("written") == kept
