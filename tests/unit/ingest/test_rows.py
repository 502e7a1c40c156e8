from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ccit.errors import InputError
from ccit.ingest.rows import parse_row, record_from_row, sample_from_record, subject_in
from ccit.records import Record, Sample, Turn

ROW: dict[str, object] = {
    "id": "7",
    "source": "ward",
    "lang": "en",
    "instruction": "Dose?",
    "input": "Adult.",
    "output": "5 mg.",
}


def made(row: dict[str, object]) -> Sample:
    return sample_from_record(record_from_row(parse_row(json.dumps(row).encode(), 10_000), 12.0))


def test_instruction_and_input_are_one_question() -> None:
    sample = made(ROW)
    assert (sample.instruction, sample.response, sample.lang) == ("Dose?\nAdult.", "5 mg.", "en")
    assert made({**ROW, "input": "  "}).instruction == "Dose?"


def test_a_record_is_named_by_source_and_id_or_by_its_content() -> None:
    assert made(ROW).record_id == "ward:7"
    assert made({**ROW, "id": 7}).record_id == "ward:7"
    nameless = {key: value for key, value in ROW.items() if key not in ("id", "source")}
    assert made(nameless).record_id == made(nameless).record_id
    assert made(nameless).record_id.startswith("unnamed:")
    assert made({**nameless, "output": "6 mg."}).record_id != made(nameless).record_id
    assert made({**ROW, "id": ""}).record_id != made({**ROW, "id": "", "output": "6 mg."}).record_id


def test_the_record_keeps_what_arrived() -> None:
    record = record_from_row({**ROW, "extra": 1}, 12.0)
    assert (record.body["extra"], record.received_at, record.subject) == (1, 12.0, record.record_id)


@pytest.mark.parametrize(
    ("subject", "told"), [("p-17", "p-17"), (17, "17"), (17.0, "17"), (None, "ward:7"), ("", "ward:7")]
)
def test_the_subject_is_the_rows_own_else_the_record(subject: object, told: str) -> None:
    assert record_from_row({**ROW, "subject": subject}, 0.0).subject == told
    line = json.dumps({**ROW, "subject": subject}).encode()
    assert (subject_in(line) or "ward:7") == told
    assert made({**ROW, "subject": subject}) == made(ROW), "whom it is about changes nothing of the sample"


@pytest.mark.parametrize("subject", [True, ["p"], "p" * 257])
def test_a_subject_is_a_short_text_or_a_number(subject: object) -> None:
    line = json.dumps({**ROW, "subject": subject}).encode()
    with pytest.raises(InputError, match="subject"):
        parse_row(line, 10_000)
    assert subject_in(line) is None


def test_earlier_turns_come_from_the_meta_field() -> None:
    sample = made({**ROW, "meta": {"history": [["Hello", "Good day"]], "group": "heart", "other": True}})
    assert sample.history == (Turn("Hello", "Good day"),)
    assert sample.group == "heart"
    assert sample.messages()[-1] == {"role": "user", "content": "Dose?\nAdult."}


def test_a_system_text_and_earlier_turns_reach_the_model() -> None:
    sample = made({**ROW, "system": "Weight 20 kg.", "history": [["For adults?", "500 mg."]]})
    assert [message["role"] for message in sample.messages()] == ["system", "user", "assistant", "user"]
    assert sample.messages()[0]["content"] == "Weight 20 kg."
    assert len({made(ROW).content_digest, sample.content_digest, made({**ROW, "system": "x"}).content_digest}) == 3
    assert made({**ROW, "meta": {"history": [["a", "b"]]}}) == made({**ROW, "history": [["a", "b"]]})


def test_a_number_names_the_same_record_however_it_is_written() -> None:
    assert made({**ROW, "id": 7.0}).record_id == made({**ROW, "id": 7}).record_id == made(ROW).record_id


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parse_row(b"\xef\xbb\xbf" + json.dumps(ROW).encode(), 10_000) == ROW


@pytest.mark.parametrize("key", ["input", "lang", "meta", "source", "system", "history"])
def test_null_is_the_same_as_left_out(key: str) -> None:
    null, absent = made({**ROW, key: None}), made({k: v for k, v in ROW.items() if k != key})
    assert replace(null, sample_id="") == replace(absent, sample_id="")
    assert made({**ROW, "meta": {"history": None, "group": None}}).history == ()


def test_the_same_answer_from_two_sources_is_two_samples_of_one_content() -> None:
    one, other = made(ROW), made({**ROW, "source": "clinic"})
    assert one.sample_id != other.sample_id
    assert one.content_digest == other.content_digest


@pytest.mark.parametrize(
    ("value", "reason", "said"),
    [
        (None, "empty", "no bytes at all"),
        (b"", "empty", "no bytes at all"),
        (b"x" * 2001, "too_large", "at most 2000 bytes, found 2001"),
        (b"\x00\xff\xfe", "not_json", "3 bytes"),
        (b"{'instruction': 'single quotes'}", "not_json", "strict JSON"),
        (b'{"instruction": "a", "output": NaN}', "not_json", "strict JSON"),
        (b'{"instruction": "a", "output": "\\ud800"}', "not_json", "strict JSON"),
        (b"[" * 2000, "not_json", "strict JSON"),
        (b"[1, 2]", "wrong_schema", "found list"),
        (b'"text"', "wrong_schema", "found str"),
        (b"null", "wrong_schema", "found NoneType"),
        (b"{}", "wrong_schema", "instruction"),
        (b'{"instruction": "a"}', "wrong_schema", "output"),
        (b'{"instruction": "a", "output": ""}', "wrong_schema", "output"),
        (b'{"instruction": " ", "output": "b"}', "wrong_schema", "instruction"),
        (b'{"instruction": "a", "output": 5}', "wrong_schema", "output"),
        (b'{"instruction": "a", "output": "b", "meta": []}', "wrong_schema", "meta"),
        (b'{"instruction": "a", "output": "b", "meta": {"history": [["a"]]}}', "wrong_schema", "meta.history"),
        (b'{"instruction": "a", "output": "b", "lang": 5}', "wrong_schema", "lang"),
    ],
)
def test_a_bad_message_is_refused_with_its_reason(value: bytes | None, reason: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        parse_row(value, 2000)
    assert caught.value.reason == reason


def test_a_record_written_past_ingest_is_checked_as_well() -> None:
    with pytest.raises(InputError, match="instruction"):
        sample_from_record(Record("r", "r", "ward", 0.0, {"output": "b"}))
