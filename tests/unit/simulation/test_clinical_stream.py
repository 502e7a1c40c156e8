"""The hospital's messages: what they are read as, whom they name, and what of that de-identification leaves."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import orjson
import pytest

from ccit.config import Config
from ccit.demo.leaks import LeakSearch, bytes_of
from ccit.ingest.clinical_files.files import ClinicalFiles
from ccit.ingest.mllp.framing import Frame
from ccit.ingest.mllp.reception import received
from ccit.simulation.clinical_stream import PATIENTS, ClinicalStream, clinical_stream
from consumers.clinical import ClinicalStep
from consumers.kafka.messages import KafkaMessage, Output

RECORDS = 240


@pytest.fixture(scope="module")
def stream() -> ClinicalStream:
    return clinical_stream(RECORDS, seed=3, days=2)


def through_the_door(stream: ClinicalStream, folder: Path) -> tuple[list[Output], ClinicalStep]:
    """As `ccit mllp`, `ccit feed` and `ccit clinical` take it in."""
    step = ClinicalStep(Config.model_validate({"clinical": {}, "generation": {}}))
    outputs: list[Output] = []

    def taken(value: bytes, said: str) -> None:
        headers = (("content-type", said.encode()),)
        outputs.extend(step([KafkaMessage("ccit.clinical", 0, len(outputs), b"key", value, headers)]))
        step.committed()

    for number, day in enumerate(stream.days):
        for message in day.messages:
            if received(Frame(message)).outcome is None:
                taken(message, "application/hl7-v2")
        path = folder / f"{number}.ndjson"
        path.write_bytes(b"".join(line + b"\n" for line in day.lines))
        with ClinicalFiles([path], 8_000_000) as export:
            for piece in export.pieces(path):
                assert piece.fault is None
                if piece.value:
                    taken(piece.value, piece.content_type)
    return outputs, step


def test_the_same_seed_says_the_same_and_another_one_something_else(stream: ClinicalStream) -> None:
    again, other = (clinical_stream(RECORDS, seed=seed, days=2) for seed in (3, 4))
    assert (again.days, again.canaries) == (stream.days, stream.canaries)
    assert other.days != stream.days


def test_what_is_looked_for_was_sent_and_is_looked_for_in_its_other_forms_too() -> None:
    few = clinical_stream(50, seed=0, days=2)
    patients, relatives = few.people[:PATIENTS], few.people[PATIENTS : 2 * PATIENTS]
    by_hl7 = [p for p in patients if p.number in few.sent and p.born not in few.sent]
    assert by_hl7
    for person in by_hl7:
        assert {person.town, person.postal_code, person.born.replace("-", "")} <= set(few.sent)
        assert person.born in few.canaries
    assert any(person.family in few.canaries for person in relatives)
    for person in relatives:
        assert not {person.number, person.mail, person.born, person.postal_code} & set(few.canaries)


def test_what_was_planted_is_found_as_what_it_is_and_nobody_gets_past(stream: ClinicalStream, tmp_path: Path) -> None:
    outputs, step = through_the_door(stream, tmp_path)
    documents = [orjson.loads(one.value or b"") for one in outputs if one.topic == "ccit.documents"]
    letters = Counter(dict(one.headers)["ccit_reason"] for one in outputs if one.topic != "ccit.documents")
    planted = stream.planted
    assert all(planted[kind] for kind in ("garbage", "unnumbered", "again", "glued", "withdrawn", "prescribed"))
    refused = [received(Frame(message)).outcome for day in stream.days for message in day.messages]
    assert Counter(refused)["faulty"] == planted["unnumbered"]
    assert step.documents["sent_again"] == planted["again"]
    assert step.documents["withdrawn"] == planted["withdrawn"]
    assert letters[b"identifying"] == step.documents["held_back"] == planted["glued"]
    assert letters.total() - letters[b"identifying"] + Counter(refused)["unsupported"] == planted["garbage"]
    assert sum(one["kind"] == "medication" for one in documents) == planted["prescribed"]
    assert len(documents) == RECORDS - sum(planted[kind] for kind in ("garbage", "unnumbered", "glued", "withdrawn"))
    search = LeakSearch(stream.canaries)
    said = (line for day in stream.days for line in (*day.messages, *day.lines))
    assert search.look("said", said) == len(stream.sent) > 400
    search.look("written", bytes_of(KafkaMessage(o.topic, 0, 0, o.key, o.value, o.headers) for o in outputs))
    assert set(search.found) == {"said"}
    assert any("[name-1]" in one["text"].lower() for one in documents)
