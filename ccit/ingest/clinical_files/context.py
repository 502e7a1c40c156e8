"""What resources refer to: the patient of a note, the doctor, the visit, the Binary with the text.

It may come before or after, in the same file or in another one of the export. So all of it is put down first, in a
temporary database that SQLite keeps in a file without a name and deletes when it is closed; memory holds a few pages.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from ccit.ingest.fhir.documents import FAR, FOLLOWERS, patient_of
from ccit.ingest.fhir.resources import Entry, Resource, names_of, references_in, targets_of

_PEOPLE_AND_PLACES = {
    *("Patient", "RelatedPerson", "Person", "Practitioner", "PractitionerRole", "CareTeam", "Group", "Coverage"),
    *("Account", "Organization", "Location", "HealthcareService", "Encounter"),
}
_NEVER = {"DocumentReference", "Composition", "DiagnosticReport", "Bundle"}  # large, and documents of their own
_MOST_BESIDE = 500  # resources beside one message
_CACHE_KIB = 8 * 1024

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE kept (number INTEGER PRIMARY KEY, kind TEXT, entry BLOB);
CREATE TABLE named (name TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID;
CREATE TABLE follows (name TEXT, number INTEGER);
CREATE INDEX followed ON follows (name);
"""
_BY_NAME = "SELECT kept.number, kind, entry FROM named JOIN kept USING (number) WHERE name = ?"
_BY_PATIENT = "SELECT kept.number, kind, entry FROM follows JOIN kept USING (number) WHERE name = ?"


class Context:
    """Resources by the names under which others refer to them.

    Example
    -------
    >>> with_patient = Context()
    >>> with_patient.add(Entry({"resourceType": "Patient", "id": "7"}))
    >>> note = {"resourceType": "Condition", "subject": {"reference": "Patient/7"}}
    >>> [entry["resource"]["id"] for entry in with_patient.beside(note)]
    ['7']
    >>> with_patient.close()
    """

    def __init__(self) -> None:
        self._db = sqlite3.connect("")
        self._db.executescript(f"PRAGMA cache_size = -{_CACHE_KIB};{_TABLES}")

    def add(self, entry: Entry) -> None:
        """Keep a resource; of two with one name the first counts."""
        kind = str(entry.resource.get("resourceType"))
        if entry.deletes or kind in _NEVER:
            return
        body = {"resource": entry.resource, "search": {"mode": "include"}}
        value = orjson.dumps({"fullUrl": entry.full_url, **body} if entry.full_url else body)
        number = self._db.execute("INSERT INTO kept (kind, entry) VALUES (?, ?)", (kind, value)).lastrowid
        self._db.executemany("INSERT OR IGNORE INTO named VALUES (?, ?)", ((name, number) for name in names_of(entry)))
        if kind in FOLLOWERS:
            names = targets_of(patient_of(entry.resource))
            self._db.executemany("INSERT INTO follows VALUES (?, ?)", ((name, number) for name in names))

    def beside(self, resource: Resource) -> Iterator[dict[str, Any]]:
        """Entries of what a resource refers to, people and places first; further away, those alone."""
        found: dict[int, tuple[str, bytes]] = {}
        level = [resource]
        for distance in range(FAR):
            fresh = {}
            for number, kind, value in self._referred(level):
                if number not in found and (distance == 0 or kind in _PEOPLE_AND_PLACES):
                    fresh[number] = (kind, value)
            found |= fresh
            if len(found) > _MOST_BESIDE:
                break
            level = [orjson.loads(value)["resource"] for _, value in fresh.values()]
        ordered = sorted(found.values(), key=lambda one: one[0] not in _PEOPLE_AND_PLACES)
        yield from (orjson.loads(value) for _, value in ordered[:_MOST_BESIDE])

    def close(self) -> None:
        """Delete all of it."""
        self._db.close()

    def _referred(self, level: Iterable[Resource]) -> Iterator[tuple[int, str, bytes]]:
        """Rows of what these resources refer to, and of what names the same patient."""
        for resource in level:
            for reference in (*references_in(resource), *_urls_in(resource)):
                for name in targets_of(reference):
                    yield from self._db.execute(_BY_NAME, (name,))
            for name in targets_of(patient_of(resource)):
                yield from self._db.execute(_BY_PATIENT, (name,))


def _urls_in(resource: Resource) -> Iterator[str]:
    """Where attachments point to."""
    level: list[Any] = [resource]
    while level:
        yield from (one["url"] for one in level if isinstance(one, dict) and _is_attachment(one))
        level = [inner for one in level if isinstance(one, dict | list) for inner in _inside(one)]


def _inside(node: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return node.values() if isinstance(node, dict) else node


def _is_attachment(node: dict[str, Any]) -> bool:
    return (
        isinstance(node.get("url"), str)
        and "data" not in node
        and "extension" not in node
        and "valueString" not in node
    )
