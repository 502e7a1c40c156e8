"""A FHIR export on real Kafka, from `ccit feed` to `records`: a word of its own in each field, none behind `clinical`.

The people of the export (patient, relative, doctor, ward, insurance) hold one in every field, the documents in every
field that says who, where and by which number; the texts name them too. What a document is about comes through, as text
and as the rows of templates. Looked through is all that was written: every other topic with keys, headers and values,
the logs of all processes, their metrics, their answers' folder.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import tomli_w

from ccit.config import Clinical, Config
from consumers.clinical import ClinicalStep
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.follower import Follower
from consumers.kafka.messages import KafkaMessage
from consumers.kafka.topics import Topics
from tests.integration.door import PLANTED, door, free_port, more, planted_in, text_of, written
from tests.integration.following import messages_of, until

BORN, NUMBER, PHONE = "1931-02-14", "QX-5530871", "620 555 0188"
_numbers = count()


def canary() -> str:
    """Another word at each call, of letters alone: it would pass for a name."""
    number = next(_numbers)
    return PLANTED + "".join(
        "BDFGKLMNPR"[number // ten % 10] + "aeiou"[number // ten % 5] for ten in (1, 10, 100, 1000)
    )


def named(kind: str, own: str) -> dict[str, Any]:
    """A reference as it is met: where to, what is shown, by which number."""
    identifier = {"system": f"urn:{canary()}", "value": canary(), "assigner": {"display": canary()}}
    return {"reference": f"{kind}/{own}", "type": kind, "display": canary(), "identifier": identifier}


def anybody(kind: str, own: str) -> dict[str, Any]:
    """What every resource may hold beside its matter."""
    return {
        "resourceType": kind,
        "id": own,
        "meta": {"source": f"urn:{canary()}", "tag": [{"system": "urn:t", "display": canary()}], "profile": [canary()]},
        "implicitRules": f"urn:{canary()}",
        "text": {"status": "generated", "div": f"<div>{canary()}</div>"},
        "extension": [{"url": f"urn:{canary()}", "valueString": canary()}],
        "modifierExtension": [{"url": "urn:m", "valueHumanName": {"family": canary()}}],
        "identifier": [{"use": "usual", "type": {"text": canary()}, "system": f"urn:{canary()}", "value": canary()}],
        "nobody knows this field": canary(),
    }


def person(kind: str, own: str, **more: Any) -> dict[str, Any]:
    name = {"use": "official", "family": canary(), "given": [canary(), canary()], "prefix": [canary()], "suffix": ["X"]}
    line = {"line": [f"7 {canary()} Row"], "city": canary(), "district": canary(), "state": canary(), "country": "ZZ"}
    telecom = [{"system": "phone", "value": PHONE}, {"system": "email", "value": f"{canary()}@example.org"}]
    photo = [{"contentType": "image/png", "title": canary(), "url": f"http://127.0.0.1/{canary()}.png"}]
    known = {"name": [name, {"text": canary()}], "telecom": telecom, "address": [line], "photo": photo}
    return {**anybody(kind, own), **known, "birthDate": BORN, **more}


PEOPLE = [
    person(
        "Patient",
        "p1",
        identifier=[{"system": f"urn:{canary()}", "value": NUMBER}, {"type": {"text": "SSN"}, "value": canary()}],
        contact=[{"name": {"family": canary(), "given": [canary()]}, "organization": named("Organization", "o1")}],
        generalPractitioner=[named("Practitioner", "d1")],
        managingOrganization=named("Organization", "o1"),
        communication=[{"language": {"text": canary()}}],
        maritalStatus={"text": canary()},
    ),
    person("RelatedPerson", "r1", patient={"reference": "Patient/p1"}, relationship=[{"text": canary()}]),
    person("Practitioner", "d1", qualification=[{"code": {"text": canary()}, "issuer": named("Organization", "o1")}]),
    {**anybody("Organization", "o1"), "name": canary(), "alias": [canary()], "partOf": named("Organization", "o2")},
    {**anybody("Location", "l1"), "name": canary(), "description": canary(), "alias": [canary()]},
    {**anybody("Coverage", "c1"), "beneficiary": {"reference": "Patient/p1"}, "subscriberId": canary(), "network": "N"},
]
TOLD = [
    *(word for one in PEOPLE[:3] for name in one["name"] for word in [name.get("family", name.get("text"))]),
    *(PEOPLE[0]["name"][0]["given"][0], PEOPLE[0]["contact"][0]["name"]["family"], PEOPLE[3]["name"], NUMBER, PHONE),
]
SAID = f"Seen with {', '.join(one.title() for one in TOLD)}, born {BORN}. The lungs are clear."


def document(kind: str, own: str, **matter: Any) -> dict[str, Any]:
    """A document about the patient; the numbers of all its fields for people and places are theirs."""
    who = {name: named("Practitioner", "d1") for name in ("recorder", "asserter", "requester", "custodian", "sender")}
    several = {
        name: [named("Practitioner", "d1")] for name in ("performer", "author", "basedOn", "partOf", "supporting")
    }
    where = {"encounter": named("Encounter", "e1"), "location": named("Location", "l1")}
    note = [{"text": SAID, "authorString": canary(), "authorReference": named("Practitioner", "d1")}]
    patient = {name: named("Patient", "p1") for name in ("subject", "patient")}
    beside = {"masterIdentifier": {"value": canary()}, "groupIdentifier": {"value": canary()}, "note": note}
    return {**anybody(kind, own), **who, **several, **where, **patient, **beside, "status": "final", **matter}


def attached(text: str) -> dict[str, Any]:
    data = base64.b64encode(text.encode()).decode()
    return {"contentType": "text/plain", "data": data, "title": canary(), "url": f"http://127.0.0.1/{canary()}"}


def coded(text: str) -> dict[str, Any]:
    return {"coding": [{"system": "urn:oid:2.16", "code": "24", "display": text}], "text": text}


WHO = named("Practitioner", "d1")
DOCUMENTS = [
    document("DocumentReference", "n1", type=coded("Progress note"), content=[{"attachment": attached(SAID)}]),
    document("DocumentReference", "n2", type=coded("Letter"), content=[{"attachment": {"url": "Binary/b1"}}]),
    document("DiagnosticReport", "t1", code=coded("Chest x-ray"), conclusion=SAID, media=[{"comment": canary()}]),
    document("Composition", "k1", title="Summary", section=[{"title": "Course", "text": {"div": f"<p>{SAID}</p>"}}]),
    document("Observation", "v1", code=coded("Hgb"), valueQuantity={"value": 9.1, "unit": "g/dL"}),
    document("Condition", "i1", code=coded("Asthma"), severity=coded("mild")),
    document("Procedure", "s1", code=coded("Bronchoscopy"), outcome=coded("successful")),
    document("MedicationRequest", "m1", medicationCodeableConcept=coded("Budesonide"), reasonCode=[coded("cough")]),
    document("AllergyIntolerance", "a1", code=coded("Penicillin"), reaction=[{"manifestation": [coded("rash")]}]),
    document("Immunization", "w1", vaccineCode=coded("Influenza"), lotNumber=canary()),
    document("Encounter", "e1", type=[coded("Visit")], reasonCode=[coded("cough")], participant=[{"individual": WHO}]),
]
ANOTHER = DOCUMENTS[5] | {"id": "i2"}
FILES = {
    "people.ndjson": PEOPLE,
    "documents.ndjson": DOCUMENTS,
    "binaries.ndjson": [{**anybody("Binary", "b1"), "contentType": "text/plain", "data": attached(SAID)["data"]}],
}
REFUSED = (f'{{"resourceType": "Condition", "id": {canary()}}}', canary(), "{" * 2000 + canary())
PASSED_OVER = f'{{"resourceType": "{canary()}"}}'  # a type that nobody knows
TEMPLATES = [
    f"{kind}.v1.en"
    for kind in ("observation", "diagnosis", "procedure", "medication", "allergy", "immunization", "visit")
]
ROWS, LETTERS = len(DOCUMENTS) + 1 + len(TEMPLATES) + 1, len(REFUSED)  # one diagnosis stands in two files
HIDDEN = (BORN, NUMBER, PHONE, base64.b64encode(SAID.encode())[:40].decode())


def exported(folder: Path) -> list[str]:
    """The export's files; the last has lines that are none."""
    folder.mkdir()
    for name, resources in FILES.items():
        (folder / name).write_text("".join(f"{json.dumps(one)}\n" for one in resources), "utf-8")
    (folder / "damaged.ndjson").write_text("\n".join([json.dumps(ANOTHER), *REFUSED, PASSED_OVER]), "utf-8")
    return sorted(map(str, folder.iterdir()))


def configured(settings: KafkaSettings, folder: Path, port: int) -> Path:
    config = folder / "ccit.toml"
    sections: dict[str, dict[str, object]] = {
        "kafka": {"bootstrap_servers": settings.bootstrap_servers, "prefix": settings.prefix, "create_topics": False},
        "deidentify": {"table_file": str(folder / "table.sqlite")},
        "store": {"root": str(folder / "store")},
        "metrics": {"port": port},
        "clinical": {},
        "generation": {},  # no model: rows by templates alone
    }
    config.write_text(tomli_w.dumps(sections), "utf-8")
    return config


def fed(files: Sequence[str], config: Path) -> tuple[int, str]:
    """How many messages `ccit feed` has sent, and all that it has said."""
    command = [sys.executable, "-m", "ccit.cli.main", "feed", *files, "--config", str(config), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return sum(json.loads(done.stdout)["sent"].values()), done.stdout + done.stderr


def scraped(port: int) -> str:
    return str(urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode())


def test_nothing_identified_of_an_export_gets_past_de_identification(settings: KafkaSettings, tmp_path: Path) -> None:
    port, topics, files = free_port(), Topics(settings.prefix), exported(tmp_path / "export")
    config = configured(settings, tmp_path, port)
    with door(config, "clinical", "generate", "ingest"):
        sent, told = fed(files, config)
        with Follower(settings, topics.records) as records, Follower(settings, topics.dead_letters) as letters:
            seen: list[KafkaMessage] = []
            until(lambda: len(more(seen, records, letters)) >= ROWS + LETTERS, "all is there")
        metrics = [scraped(port - below) for below in (0, 1, 3)]
    behind = written(settings, *(topic for topic in topics if topic != topics.clinical))
    on = Counter(message.topic.removeprefix(settings.prefix) for message in behind)
    assert on == {"documents": len(DOCUMENTS) + 1, "raw": ROWS, "records": ROWS, "dead-letters": LETTERS}
    assert sent == on["documents"] + LETTERS
    wrote = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != "export"]
    assert {path.name for path in wrote} >= {"clinical.log", "generate.log", "ingest.log"}
    kept = [path.read_text("utf-8", "replace") for path in wrote if path.name != "table.sqlite"]
    everything = [*map(text_of, behind), *kept, *map(str, wrote), *metrics, told]
    assert planted_in(*everything) == []
    assert [text for text in everything for hidden in HIDDEN if hidden in text] == []
    came = messages_of(settings, "clinical")
    assert len(planted_in(*map(text_of, came))) == len(came), "the same look finds them where they belong"
    assert all(hidden in "".join(map(text_of, came)) for hidden in HIDDEN)
    rows = [json.loads(message.value or b"") for message in behind if message.topic == topics.raw.name]
    assert len({row["subject"] for row in rows}) == 1, "the patient's pseudonym"
    assert sum("The lungs are clear." in row["output"] for row in rows) >= 4
    said = " ".join(row["output"] for row in rows)
    assert all(word in said for word in ("Asthma", "Hgb: 9.1 g/dL", "Bronchoscopy", "Budesonide", "rash", "Influenza"))
    made = Counter(row["meta"].get("generated", {}).get("prompt", "entry") for row in rows)
    assert made == {"entry": len(DOCUMENTS) + 1, **dict.fromkeys(TEMPLATES, 1), "diagnosis.v1.en": 2}
    straight = ClinicalStep(Config(clinical=Clinical()))(came)
    assert Counter(one.topic for one in straight) == {"ccit.raw": len(DOCUMENTS) + 1, "ccit.dead-letters": LETTERS}
    assert planted_in(*map(text_of, straight)) == []
