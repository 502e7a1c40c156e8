"""The door of the demo: its ports, when all has come through, and what its account tells."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from ccit.config import Config
from ccit.demo import door
from ccit.demo.door import DoorArrival, prepared_door
from ccit.demo.scraped import Scraped
from ccit.demo.stage import Stage
from ccit.errors import CcitError
from ccit.simulation.clinical_stream import clinical_stream
from consumers.kafka.clients import KafkaSettings

CLINICAL = (
    "# TYPE ccit_messages counter\nccit_messages_total {messages}\n"
    '# TYPE ccit_documents counter\nccit_documents_total{{outcome="written"}} 7\n'
    'ccit_documents_total{{outcome="held_back"}} 1\n'
    '# TYPE ccit_dead_letters counter\nccit_dead_letters_total{{reason="identifying"}} 1\n'
    'ccit_dead_letters_total{{reason="not_json"}} 2\n'
)
GENERATE = (
    "# TYPE ccit_messages counter\nccit_messages_total {documents}\n"
    '# TYPE ccit_generated_rows counter\nccit_generated_rows_total{{prompt="entry"}} 7\n'
    'ccit_generated_rows_total{{prompt="visit.v1.en"}} 2\n'
    "# TYPE ccit_generation_rejects counter\n"
    'ccit_generation_rejects_total{{constraint="identifying",then="dead_letter"}} 1\n'
)


def test_its_tables_are_a_configuration_whose_ports_are_free(tmp_path: Path) -> None:
    config = Config.model_validate(prepared_door(tmp_path))
    assert {"clinical", "generation", "mllp", "deidentify"} <= config.model_fields_set
    assert Path(config.deidentify.table_file).parent == tmp_path / "hospital"
    ports = [config.mllp.port, *(config.metrics.port + offset for offset in (-3, -2, -1, 0, 1, 2))]
    assert len(set(ports)) == len(ports)
    for port in ports:
        with socket.socket() as one:
            one.bind(("127.0.0.1", port))


@pytest.fixture
def arrival(tmp_path: Path) -> DoorArrival:
    stage = Stage(tmp_path, tmp_path / "ccit.toml", Config.model_validate(prepared_door(tmp_path)))
    return DoorArrival(KafkaSettings("127.0.0.1:1"), stage, clinical_stream(60, 0, 2), {})


def sent(arrival: DoorArrival, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day: 5 messages of 6 are stored, and 4 come out of the export."""

    class Sender:
        def __init__(self, port: int, patience_s: float) -> None: ...

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None: ...

        def send(self, messages: list[bytes]) -> dict[str, int]:
            return {"AA": 5, "AR": 1}

    monkeypatch.setattr(door, "MllpSender", Sender)
    monkeypatch.setattr(arrival, "_feed", lambda _: 4)
    arrival.send(0)


@pytest.mark.parametrize(
    ("messages", "documents", "whole"), [(9, 7, True), (8, 7, False), (9, 6, False), (0, 0, False)]
)
def test_all_has_come_when_both_have_read_to_the_end(
    arrival: DoorArrival, monkeypatch: pytest.MonkeyPatch, messages: int, documents: int, whole: bool
) -> None:
    sent(arrival, monkeypatch)
    port = arrival.stage.config.metrics.port
    pages = {
        port - 1: Scraped.of(CLINICAL.format(messages=messages)),
        port - 3: Scraped.of(GENERATE.format(documents=documents)),
    }
    monkeypatch.setattr(Scraped, "at", lambda one: pages.get(one, Scraped()))
    assert arrival.arrived() is whole
    assert arrival.rows == 9
    assert (arrival.stage.out / "hospital" / "day-1.ndjson").read_bytes().count(b"\n") == arrival.sent - 6


def test_its_account_tells_each_step(arrival: DoorArrival, monkeypatch: pytest.MonkeyPatch) -> None:
    sent(arrival, monkeypatch)
    pages = {-1: Scraped.of(CLINICAL.format(messages=9)), -3: Scraped.of(GENERATE.format(documents=7))}
    port = arrival.stage.config.metrics.port
    monkeypatch.setattr(Scraped, "at", lambda one: pages.get(one - port, Scraped()))
    monkeypatch.setattr(arrival, "_leaks", dict)
    arrival.arrived()
    assert arrival.account()["door"] == {
        "messages": {"hl7v2": 6, "fhir": 4},
        "answers": {"AA": 5, "AR": 1},
        "unreadable": {"not_json": 2},
        "documents": {"written": 7, "held_back": 1},
        "identifiers": {},
        "rows": {"entry": 7, "visit.v1.en": 2},
        "refused_rows": {"identifying": 1},
        "leaks": {},
    }


def test_a_feed_that_says_nothing_is_told_with_its_log(arrival: DoorArrival, tmp_path: Path) -> None:
    """Its configuration is not there."""
    (tmp_path / "logs").mkdir()
    with pytest.raises(CcitError, match=r"ccit feed.*ended with 2; see .*feed\.log"):
        arrival._feed(tmp_path / "none.ndjson")
