from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest

from ccit.clinical import ClinicalDocument, Origin, Person
from ccit.config import Config
from ccit.ports.ingest import RawMessage
from consumers.clinical import ClinicalStep
from consumers.ingest import IngestStep
from consumers.kafka.messages import KafkaMessage, Output

HL7 = (("content-type", b"application/hl7-v2"),)
REPORT = (
    b"MSH|^~\\&|LAB|NORTH|||20260101||ORU^R01|C17|P|2.5\r"
    b"PID|1||4711^^^H^MR||Roe^Ann^^^Mrs||19620214|F|||1 Elm Rd^^Salem\r"
    b"OBR|1||F55|24^CHEST XRAY|||20260101\r"
    b"OBX|1|TX|||Mrs. Ann Roe (4711) has clear lungs.||||||F\r"
)


def message(value: bytes | None, offset: int = 0, headers: tuple[tuple[str, bytes | None], ...] = HL7) -> KafkaMessage:
    return KafkaMessage("ccit.clinical", 1, offset, b"4711|H", value, headers, 2500)


@pytest.fixture(scope="module")
def config() -> Config:
    return Config()


@pytest.fixture
def step(config: Config) -> ClinicalStep:
    return ClinicalStep(config)


def letters(outputs: list[Output]) -> list[tuple[bytes | None, bytes | None, bytes | None]]:
    return [(dict(o.headers).get("ccit_reason"), o.key, o.value) for o in outputs if o.topic == "ccit.dead-letters"]


def test_a_report_becomes_a_row_of_nobody_keyed_by_its_subject(step: ClinicalStep) -> None:
    (output,) = step([message(REPORT)])
    row = orjson.loads(output.value or b"")
    assert (output.topic, output.key) == ("ccit.raw", row["subject"].encode())
    assert "clear lungs" in row["output"]
    assert not any(word in (output.value or b"") for word in (b"Roe", b"Ann", b"4711", b"C17", b"F55", b"LAB", b"1962"))


def test_what_one_patient_s_messages_say_has_one_key_and_stays_in_order(step: ClinicalStep) -> None:
    later = REPORT.replace(b"C17", b"C18").replace(b"F55", b"F56").replace(b"clear lungs", b"a shadow")
    first, second = step([message(REPORT), message(later, 1)])
    assert first.key == second.key
    assert [b"shadow" in (output.value or b"") for output in (first, second)] == [False, True]


def test_a_message_that_is_sent_again_gives_no_second_row(step: ClinicalStep) -> None:
    batch = [message(REPORT), message(REPORT, 7)]
    assert len(step(batch)) == 1
    assert len(step(batch)) == 1  # decided again after an abort: the first one is not lost
    step.committed()
    assert step.documents == {"written": 1, "sent_again": 1}


def test_one_of_which_nothing_was_made_is_heard_when_it_is_sent_again(step: ClinicalStep) -> None:
    wrongly_named = message(REPORT, headers=(("content-type", b"text/plain"),))
    batch = [wrongly_named, message(REPORT, 7), message(REPORT, 9)]
    for _ in range(2):  # the same when it is decided again
        assert [output.topic for output in step(batch)] == ["ccit.dead-letters", "ccit.raw"]
    step.committed()
    assert step.documents == {"written": 1, "sent_again": 1}


def test_one_that_is_sent_again_after_a_restart_is_learnt_once_all_the_same(config: Config) -> None:
    """The scorer refuses an exact copy, whatever its record is called; random surrogates are not in the content."""
    rows = [ClinicalStep(config)([message(REPORT, offset)])[0] for offset in (0, 7)]
    first, again = (orjson.loads(output.value or b"") for output in rows)
    assert [first[key] for key in ("instruction", "input", "output")] == [
        again[key] for key in ("instruction", "input", "output")
    ]


def test_an_amended_report_is_a_row_of_the_same_document_and_a_withdrawn_one_none(step: ClinicalStep) -> None:
    amended = REPORT.replace(b"clear lungs", b"a shadow").replace(b"||||||F", b"||||||C").replace(b"C17", b"C18")
    withdrawn = REPORT.replace(b"||||||F", b"||||||D").replace(b"C17", b"C19")
    outputs = step([message(REPORT), message(amended, 1), message(withdrawn, 2)])
    first, second = (orjson.loads(output.value or b"") for output in outputs)
    assert first["meta"]["document"] == second["meta"]["document"]
    assert (second["meta"]["status"], first["id"] == second["id"]) == ("amended", False)
    step.committed()
    assert step.documents == {"written": 2, "withdrawn": 1}


@pytest.mark.parametrize(
    ("value", "headers", "reason"),
    [
        (b"Jo Doe was here", HL7, b"wrong_schema"),
        (b"MSH|^~\\", HL7, b"wrong_schema"),
        (b"", HL7, b"empty"),
        (None, HL7, b"empty"),
        (REPORT, (("content-type", b"text/Jo Doe"),), b"unsupported_type"),
        (b"Jo Doe was here", (), b"unsupported_type"),
    ],
)
def test_what_cannot_be_read_is_one_letter_that_quotes_nothing(
    step: ClinicalStep, value: bytes | None, headers: tuple[tuple[str, bytes | None], ...], reason: bytes
) -> None:
    outputs = step([message(value, headers=headers)])
    assert letters(outputs) == [(reason, None, None)]
    assert "Jo" not in repr(outputs)
    assert "doe" not in repr(outputs).lower()


class Reader:
    """Accepts everything; a fault of its own quotes the message, as errors of parsers do."""

    def accepts(self, content_type: str, head: bytes) -> bool:
        return True

    def documents(self, message: RawMessage) -> Iterator[ClinicalDocument]:
        yield ClinicalDocument("7", Origin("other", "letter", "7", ""), text="Well.", people=(Person("patient"),))
        yield ClinicalDocument("8", Origin("other", "letter", "8", ""), text="x" * 2_000_000)
        yield ClinicalDocument("9", Origin("other", "letter", "9", ""), text="Better.")
        if message.value == b"fault":
            raise ValueError("invalid literal for int(): 'Jo Doe'")


def test_a_reader_s_own_fault_costs_one_letter_and_shows_its_type_alone(
    step: ClinicalStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "_readers", (Reader(),))
    (output,) = step([message(b"fault")])
    assert dict(output.headers)["ccit_error"] is not None
    assert b"ValueError" in (dict(output.headers)["ccit_error"] or b"")
    assert "Jo" not in repr(output)


def test_a_document_that_is_held_back_takes_no_other_with_it(
    step: ClinicalStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "_readers", (Reader(),))
    outputs = step([message(b"three")])
    assert [output.topic for output in outputs] == ["ccit.raw", "ccit.dead-letters", "ccit.raw"]
    said = dict(outputs[1].headers)["ccit_error"] or b""
    assert said.startswith(b"document 2 of the message: expected a row of at most 1000000 bytes")


def test_a_fault_of_de_identification_holds_the_document_back(
    step: ClinicalStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Faulty:
        def clean(self, document: ClinicalDocument) -> None:
            raise KeyError(document.text)

    monkeypatch.setattr(step, "_cleaner", Faulty())
    (output,) = step([message(REPORT)])
    assert dict(output.headers)["ccit_reason"] == b"identifying"
    assert "Roe" not in repr(output)


def test_the_rows_are_records_for_ingest(step: ClinicalStep, config: Config) -> None:
    rows = step([message(REPORT)])
    taken = [KafkaMessage(o.topic, 0, n, o.key, o.value, o.headers, 5) for n, o in enumerate(rows)]
    (record,) = IngestStep(config)(taken)
    assert (record.topic, record.key) == ("ccit.records", rows[0].key)


def test_what_an_aborted_batch_counted_is_not_counted(step: ClinicalStep) -> None:
    step([message(REPORT)])
    step([message(REPORT)])
    step.committed()
    assert step.documents == {"written": 1}
    assert step.identifiers["name"] >= 1
