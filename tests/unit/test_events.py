from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from ccit.errors import InputError
from ccit.events import (
    NAMES,
    CommandIssued,
    RecordReceived,
    SampleAdmitted,
    decode,
    encode,
    event_name,
    parse_json,
    publish_schemas,
)
from ccit.records import Command, Decision, Record, Score
from tests.nouns import sample

COMMAND = CommandIssued(Command("hold", "ccit", "c1"))


def test_the_headers_are_those_of_cloudevents() -> None:
    _, headers = encode(COMMAND, at=0.0, source="ccit/operator", traceparent="00-ab-cd-01")
    found = {name: value.decode() for name, value in headers}
    assert found.pop("ce_id")
    assert found == {
        "ce_specversion": "1.0",
        "ce_source": "ccit/operator",
        "ce_type": "ccit.command-issued.v1",
        "ce_time": "1970-01-01T00:00:00+00:00",
        "ce_dataschema": "schemas/command-issued.v1.json",
        "content-type": "application/json",
        "traceparent": "00-ab-cd-01",
    }


def test_the_id_follows_from_the_content_so_that_a_repeat_has_the_same() -> None:
    def identity(event: CommandIssued, at: float) -> bytes:
        return dict(encode(event, at=at, source="ccit/operator")[1])["ce_id"]

    other = CommandIssued(Command("hold", "ccit", "c2"))
    assert identity(COMMAND, 1.0) == identity(COMMAND, 1.0)
    assert len({identity(COMMAND, 1.0), identity(COMMAND, 2.0), identity(other, 1.0)}) == 3


def test_fields_of_a_newer_writer_are_ignored() -> None:
    value, headers = encode(COMMAND, at=0.0, source="x")
    newer = orjson.loads(value)
    newer["why"] = "asked by the ward"
    newer["command"]["urgency"] = 3
    assert decode(orjson.dumps(newer), headers) == COMMAND


def test_an_unscored_score_keeps_its_reason_and_has_no_number() -> None:
    decision = Decision(sample(), True, "accepted", (Score("diversity", None, "d.v1", "one sentence"),), 3)
    event = SampleAdmitted(decision, "digest", "embedder", "AAAA")
    found = decode(*encode(event, at=0.0, source="x"))
    assert found == event
    assert isinstance(found, SampleAdmitted)
    assert found.decision.scores[0].value is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"\x00\xffgarbage", "not_json"),
        (b'{"record": NaN}', "not_json"),
        (b'{"a": "\\ud800"}', "not_json"),
        (b"[" * 10_000, "not_json"),
        (b"[" * 1_000_000, "too_large"),
        (b"[]", "wrong_schema"),
        (b'{"record": {}}', "wrong_schema"),
    ],
)
def test_what_is_no_event_says_why(value: bytes | None, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        decode(value, [("ce_type", b"ccit.record-received.v1")])
    assert caught.value.reason == reason


def test_the_sentence_names_the_field_and_not_the_patient() -> None:
    value, headers = encode(RecordReceived(Record("r", "s", "ward", 0.0, {})), at=0.0, source="x")
    row = orjson.loads(value)
    row["record"]["received_at"] = "Anna Schmidt"
    with pytest.raises(InputError, match=r"record\.received_at") as caught:
        decode(orjson.dumps(row), headers)
    assert "Anna" not in str(caught.value)


@pytest.mark.parametrize("headers", [[], [("ce_type", None)], [("ce_type", b"\xff\xfe")], [("ce_type", b"other.v1")]])
def test_a_message_without_a_known_type_is_refused(headers: list[tuple[str, bytes | None]]) -> None:
    with pytest.raises(InputError, match="expected a ce_type header"):
        decode(b"{}", headers)


def test_the_name_may_come_as_text() -> None:
    assert event_name([("other", b""), ("ce_type", "ccit.round-planned.v1")]) == "round-planned.v1"
    assert event_name([]) == ""


def test_numbers_too_large_for_a_float_are_refused() -> None:
    with pytest.raises(InputError, match="not_json"):
        parse_json(b"1e9999")


def test_a_published_schema_is_never_touched(tmp_path: Path) -> None:
    assert {path.stem for path in publish_schemas(tmp_path)} == set(NAMES)
    (tmp_path / "round-planned.v1.json").write_text("mine")
    (tmp_path / "command-issued.v1.json").unlink()
    assert [path.stem for path in publish_schemas(tmp_path)] == ["command-issued.v1"]
    assert (tmp_path / "round-planned.v1.json").read_text() == "mine"
