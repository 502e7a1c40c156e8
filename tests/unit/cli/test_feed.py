"""What files become on which topic, with a broker that only remembers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner

from ccit.cli.main import cli
from ccit.errors import CcitError, ConfigError
from consumers.feed import Raw
from consumers.kafka.clients import KafkaSettings

HL7 = "MSH|^~\\&|L|N|||2026||ORU^R01|7|P|2.5\rPID|1||12^^^H\rOBR|1||5|1^X\rOBX|1|TX|||ill\r"
LINE = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/7"}, "code": {"text": "Asthma"}}
ROW = {"instruction": "Why?", "output": "Because.", "subject": "p-1"}

SENT: list[tuple[str, Raw]] = []


class Remembering:
    def __init__(self, _: KafkaSettings, on_confirmed: Callable[[int], None], topic: str) -> None:
        self._topic, self._on_confirmed = topic, on_confirmed

    def send(self, messages: Iterable[Raw], _: float) -> int:
        found = [(self._topic, message) for message in messages]
        SENT.extend(found)
        self._on_confirmed(len(found))
        return len(found)


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    SENT.clear()
    monkeypatch.setattr("consumers.feed.Feeder", Remembering)
    monkeypatch.setattr("consumers.connection.ready_broker", lambda _: KafkaSettings("nowhere:1"))


def run(*arguments: str) -> tuple[str, BaseException | None]:
    done = CliRunner().invoke(cli, ["feed", *arguments])
    return done.output, done.exception


def test_rows_go_to_raw_and_clinical_messages_to_clinical_under_their_patient(tmp_path: Path) -> None:
    for name, text in (("a.hl7", HL7 * 2), ("b.json", json.dumps(LINE)), ("c.jsonl", json.dumps(ROW))):
        (tmp_path / name).write_text(text)
    config = tmp_path / "ccit.toml"
    config.write_text("[clinical]\n")
    said, error = run(*(str(tmp_path / name) for name in ("a.hl7", "b.json", "c.jsonl")), "--config", str(config))
    assert error is None
    assert "4 records from 3 files are on ccit.clinical and ccit.raw" in said
    assert [(topic, message.key, message.content_type) for topic, message in SENT] == [
        ("clinical", b"12|H", "application/hl7-v2"),
        ("clinical", b"12|H", "application/hl7-v2"),
        ("clinical", b"Patient/7", "application/fhir+json"),
        ("raw", b"p-1", "application/json"),
    ]


def test_a_place_that_gives_no_message_is_named_and_the_rest_is_sent(tmp_path: Path) -> None:
    config = tmp_path / "ccit.toml"
    config.write_text("[clinical]\nmax_bytes = 1024\n")
    long = {**LINE, "note": [{"text": "x" * 2000}]}
    (tmp_path / "x.ndjson").write_text(f"{json.dumps(long)}\n{json.dumps(LINE)}\n{json.dumps(LINE)}\n")
    said, error = run(str(tmp_path / "x.ndjson"), "--config", str(config), "--limit", "1")
    assert len(SENT) == 1
    assert "x.ndjson: line 1: too_large: expected at most 1024 bytes in one line" in said
    assert isinstance(error, CcitError)
    assert "1 places in the files gave no message" in str(error)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [("", r"a table \[clinical\]"), ("[clinical.readers]\nfhir = false\nhl7v2 = false\n", r"a reader in \[clinical")],
)
def test_clinical_files_are_sent_only_where_somebody_reads_them(tmp_path: Path, table: str, sentence: str) -> None:
    config = tmp_path / "ccit.toml"
    config.write_text(table)
    (tmp_path / "x.hl7").write_text(HL7)
    _, error = run(str(tmp_path / "x.hl7"), "--config", str(config))
    assert isinstance(error, ConfigError)
    assert re.search(sentence, str(error))
    assert SENT == []
