"""`ccit clinical` on real Kafka: a word of its own in each field of a message, and none of them outside `clinical`.

Everything that the process wrote is looked through: all other topics with keys, headers and values, its log, its
metrics; and what ingest makes of its rows.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import tomli_w

from ccit.config import load_config
from consumers.ingest import IngestStep
from consumers.kafka.clients import KafkaSettings, producer
from consumers.kafka.follower import Follower
from consumers.kafka.messages import KafkaMessage, Output
from consumers.kafka.topics import Topics
from tests.integration.door import PLANTED, door, free_port, more, planted_in, text_of, written
from tests.integration.following import until

FIELDS = {
    "EVN": 7, "PID": 39, "PD1": 21, "NK1": 39, "PV1": 52, "PV2": 47, "IN1": 53, "GT1": 55, "MRG": 7, "ROL": 12,
    "ORC": 30, "OBR": 49, "NTE": 8, "OBX": 25, "SPM": 29, "DG1": 21, "ZPI": 9,
}  # fmt: skip
CONTENT = {"OBR": {4, 13, 25, 31}, "OBX": {2, 3, 5, 6, 7, 8, 11}, "NTE": {3}, "DG1": {3, 4, 6, 21}}
"""What a document is about: these fields say nothing of people, but for what stands in their text."""
NAMED = [("PID", 3), ("PID", 5), ("PID", 6), ("PID", 11), ("NK1", 2), ("PV1", 7), ("PV1", 3), ("OBR", 16), ("OBR", 3)]


def canary(segment: str, field: int) -> str:
    """A word in capitals that is in no dictionary, with the field's own end."""
    ones, tens = "BCDFGHKLMN"[field % 10], "PRSTVWXZJQ"[field // 10]
    return f"{PLANTED}{segment.replace('1', 'I').replace('2', 'Y')}{tens}{ones}ORK"


def line(segment: str, content: dict[int, str]) -> str:
    planted = [
        content.get(n, "" if n in CONTENT.get(segment, ()) else canary(segment, n))
        for n in range(1, FIELDS[segment] + 1)
    ]
    return "|".join((segment, *planted))


def planted() -> bytes:
    told = ", ".join(canary(*field).title() for field in NAMED)
    said = f"Seen with {told}. The lungs are clear."
    words = [canary("MSH", n) for n in range(1, 22)]
    head = "MSH|^~\\&|" + "|".join([*words[:4], "20260101", words[7], "ORU^R01", words[9], "P", "2.5", *words[12:17]])
    head += "|UNICODE UTF-8|" + words[18]
    observed = {2: "TX", 3: "24^CHEST XRAY", 5: said, 11: "F"}
    own = {"OBR": {4: "24^CHEST XRAY", 25: "F"}, "OBX": observed, "DG1": {3: "J45^Asthma^I10", 6: "F"}}
    return "\r".join([head, *(line(segment, own.get(segment, {})) for segment in FIELDS)]).encode()


def unreadable() -> Iterator[tuple[bytes | None, list[tuple[str, str | bytes | None]]]]:
    hl7: list[tuple[str, str | bytes | None]] = [("content-type", b"application/hl7-v2")]
    yield b"QUZZ and no segment at all", hl7
    yield b"MSH|^~QUZZ", hl7
    yield b"MSH|^~\\&|QUZZ\rMSH|^~\\&|QUZZ", [("content-type", b"text/QUZZ")]
    yield b"\xffQUZZ", [("QUZZ-header", b"QUZZ")]
    yield None, [*hl7, ("x-patient", b"QUZZ")]


def ingested(config: Path, rows: Sequence[KafkaMessage]) -> list[Output]:
    return IngestStep(load_config(config))(rows)


def test_nothing_identified_gets_past_de_identification(settings: KafkaSettings, tmp_path: Path) -> None:
    config, port = tmp_path / "ccit.toml", free_port()
    sections: dict[str, dict[str, object]] = {
        "kafka": {"bootstrap_servers": settings.bootstrap_servers, "prefix": settings.prefix, "create_topics": False},
        "deidentify": {"table_file": str(tmp_path / "table.sqlite")},
        "metrics": {"port": port + 1},
        "clinical": {},
    }
    config.write_text(tomli_w.dumps(sections), "utf-8")
    topics, client = Topics(settings.prefix), producer(settings)
    for value in (planted(), planted()):  # the second was sent again
        client.produce(topics.clinical.name, value, b"QUZZ-4711", headers=[("content-type", b"application/hl7-v2")])
    refused = list(unreadable())
    for bad, headers in refused:
        client.produce(topics.clinical.name, bad, b"QUZZ-key", headers=headers)
    assert client.flush(30.0) == 0
    with door(config, "clinical"):
        with Follower(settings, topics.dead_letters) as letters, Follower(settings, topics.raw) as raw:
            seen: list[KafkaMessage] = []
            until(lambda: len(more(seen, letters, raw)) >= len(refused) + 2, "all is there")
        metrics = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    rows, others = written(settings, topics.raw), [t for t in topics if t not in (topics.clinical, topics.raw)]
    log = (tmp_path / "clinical.log").read_text("utf-8")
    letters_there = written(settings, *others)
    everything = [*map(text_of, (*rows, *letters_there)), *map(text_of, ingested(config, rows)), log, metrics]
    assert [letter.topic for letter in letters_there] == [topics.dead_letters.name] * len(refused)
    assert len(rows) == 2, "one for the report and one for the diagnosis"
    assert any(b"The lungs are clear." in (row.value or b"") for row in rows)
    assert 'outcome="sent_again"} 1.0' in metrics
    assert 'ccit_dead_letters_total{reason="' in metrics
    assert planted_in(*everything) == []
    came = written(settings, topics.clinical)
    assert len(planted_in(*map(text_of, came))) == len(came), "the same look finds them where they belong"
    assert (tmp_path / "table.sqlite").stat().st_mode & 0o077 == 0
