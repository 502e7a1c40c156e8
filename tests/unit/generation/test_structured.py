"""Rows of structured records: told from their fields alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ccit.errors import ConfigError
from ccit.generation.jinja import TEXTS, JinjaFiles
from ccit.generation.source import LANGUAGES, source_of
from ccit.generation.structured import StructuredTemplates
from ccit.ingest.fhir.facts import FACTS as FHIR_FACTS
from ccit.ingest.hl7.facts import FACTS as HL7_FACTS
from ccit.ingest.rows import require_row
from tests.unit.generation.parts import body

TEMPLATES = StructuredTemplates()
MEDICATION = body(
    "Medication: lisinopril 10 MG (status: stopped, dosage: 1 per day)",
    kind="medication",
    title="lisinopril 10 MG",
    fields={"code": {"code": "314076", "text": "lisinopril 10 MG"}, "status": "stopped", "dosage": "1 per day"},
)
HEART = {"code": {"text": "heart rate"}, "value": ["60", "120"], "unit": "/min", "range": "70-80", "flags": ["A", "B"]}
HB = {"code": {"text": "Hb"}, "value": 9.1, "unit": "g/dL", "flags": "low"}


def row(document: dict[str, Any], templates: StructuredTemplates = TEMPLATES) -> dict[str, Any] | None:
    return templates.row(document, source_of(document))


def output(document: dict[str, Any]) -> str:
    found = row(document)
    assert found is not None
    return str(found["output"])


def test_a_prescription_is_told_from_its_fields() -> None:
    found = row(MEDICATION)
    assert found is not None
    assert found["output"] == "lisinopril 10 MG. Status: stopped. Dosage: 1 per day."
    assert found["input"] == MEDICATION["text"]
    assert found["meta"]["generated"] | {"prompt_digest": "", "record_digest": ""} == {
        "prompt": "medication.v1.en", "prompt_digest": "", "record_digest": "", "model": "", "evidence": [], "asked": 0,
    }  # fmt: skip
    assert require_row(found)


def test_measured_values_are_told_with_unit_range_and_flags() -> None:
    told = body("heart rate: 60, 120", kind="observations", fields={"observations": [HEART, HB, {"value": 3}]})
    assert output(told) == "heart rate: 60, 120 /min (range 70-80), flagged A, B.\nHb: 9.1 g/dL, flagged low."


def test_in_chinese_where_the_record_is() -> None:
    told = body("药物：赖诺普利", kind="medication", title="赖诺普利", fields={"status": "停用", "dosage": "每日一次"})
    assert output(told) == "赖诺普利。状态：停用。用法用量：每日一次。"


@pytest.mark.parametrize(
    "document",
    [
        body(),
        body(kind="medication"),
        body(kind="medication", fields={"code": {"code": "1", "text": "x"}}),
        body(kind="observations", fields={"observations": []}),
        body(kind="observations", fields={"observations": [{"code": {"text": "Hb"}}]}),
        body(kind="[PLACE]", fields={"status": "x"}),
        body(kind="observations", fields={"observations": 7}),
        body(kind="observations", fields={"observations": [7, {"code": 7, "value": {"a": [1]}}]}),
        body(kind="observations", fields={"observations": [HB | {"value": None, "flags": 7}]}),
        body(kind="medication", fields=["x"]),
    ],
)
def test_where_there_is_nothing_to_tell_there_is_no_row(document: dict[str, Any]) -> None:
    assert row(document) is None


def test_jinja_in_a_field_is_text() -> None:
    assert "{{ 7 * 7 }}" in output(MEDICATION | {"fields": {"status": "{{ 7 * 7 }}"}})


def test_every_kind_of_fact_that_is_read_has_a_template_in_both_languages() -> None:
    kinds = {fact.kind for facts in (HL7_FACTS, FHIR_FACTS) for fact in facts.values()} | {
        "observation",
        "observations",
    }
    for language in LANGUAGES:
        names = JinjaFiles(TEXTS / "templates" / language).names()
        assert {name.rpartition(".v")[0] for name in names} == kinds


def test_the_newest_version_is_taken_an_own_one_too(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    blocks = "".join(f"{{% block {name} %}}{name}{{% endblock %}}" for name in ("instruction", "input", "output"))
    (tmp_path / "en" / "medication.v10.jinja").write_text(blocks, "utf-8")
    found = row(MEDICATION, StructuredTemplates(tmp_path))
    assert found is not None
    assert (found["output"], found["meta"]["generated"]["prompt"]) == ("output", "medication.v10.en")


def test_one_that_asks_for_what_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    blocks = "".join(
        f"{{% block {name} %}}{{{{ dose }}}}{{% endblock %}}" for name in ("instruction", "input", "output")
    )
    (tmp_path / "en" / "medication.v2.jinja").write_text(blocks, "utf-8")
    with pytest.raises(ConfigError, match="asks for dose"):
        StructuredTemplates(tmp_path)
