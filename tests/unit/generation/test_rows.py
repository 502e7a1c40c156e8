"""A generated row names record, prompt, model and evidence, and the record that it becomes names them still."""

from __future__ import annotations

from ccit.events import RecordReceived, decode, encode
from ccit.generation.conversation import Made
from ccit.generation.replies import Fault, Reply
from ccit.generation.rows import generated_row
from ccit.ingest.rows import record_from_row, require_row, sample_from_record
from tests.unit.generation.parts import ANSWER, EVIDENCE, NOTE, body, prompt, source

MADE = Made(Reply("Because.", "", ANSWER, EVIDENCE), "m@7", (Fault("not_json", "No."),))
ROW = generated_row(body(), source(), prompt(), MADE)


def test_it_is_a_row_that_ingest_takes() -> None:
    sample = sample_from_record(record_from_row(require_row(ROW), 0.0))
    assert sample.response == ANSWER
    assert NOTE in sample.instruction
    assert (sample.source, sample.lang) == ("generated", "en")


def test_record_prompt_model_and_evidence_are_in_the_event() -> None:
    value, headers = encode(RecordReceived(record_from_row(ROW, 0.0)), at=0.0, source="test")
    event = decode(value, headers)
    assert isinstance(event, RecordReceived)
    meta = event.record.body["meta"]
    assert meta["document"] == "d1"
    assert meta["generated"] == {
        "prompt": "summary.v1.en",
        "prompt_digest": prompt().digest,
        "record_digest": source().digest,
        "model": "m@7",
        "evidence": list(EVIDENCE),
        "asked": 2,
    }
    assert event.record.subject == "s1"


def test_the_same_words_of_the_same_document_have_the_same_id() -> None:
    again = generated_row(body(), source(), prompt(), Made(MADE.reply, "another"))
    other = generated_row(body(), source(), prompt(), Made(Reply("r", "", ANSWER + ".", EVIDENCE), "m@7"))
    assert ROW["id"] == again["id"] != other["id"]
    assert ROW["id"].startswith("d1.summary.v1.en.")
