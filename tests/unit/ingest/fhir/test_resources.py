"""What is in a message, and what a reference in it means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ccit.ingest.fhir.resources import Entry, ResourceSet, entries_in

DOCTOR = {"resourceType": "Practitioner", "id": "d1", "identifier": [{"system": "urn:npi", "value": "17"}]}


def bundle(kind: str, *entries: dict[str, Any]) -> bytes:
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries}).encode()


@pytest.mark.parametrize("kind", ["collection", "transaction", "message", "searchset", "document", "batch"])
def test_bundles_of_all_types_are_unpacked_with_or_without_urls(kind: str) -> None:
    inner = json.loads(bundle("collection", {"resource": DOCTOR}))
    found = entries_in(
        bundle(kind, {"fullUrl": "urn:uuid:1", "resource": DOCTOR}, {"resource": inner}, {"response": {}})
    )
    assert [(entry.resource["id"], entry.full_url, entry.context) for entry in found] == [
        ("d1", "urn:uuid:1", False),
        ("d1", "", False),
    ]


@pytest.mark.parametrize(
    "reference",
    [
        {"reference": "urn:uuid:1"},
        {"reference": "Practitioner/d1"},
        {"reference": "https://ward.example/fhir/Practitioner/d1"},
        {"reference": "Practitioner/d1/_history/3"},
        {"reference": "Practitioner?identifier=urn:npi|17"},
        {"type": "Practitioner", "identifier": {"system": "urn:npi", "value": "17"}},
    ],
)
def test_a_reference_is_followed_however_it_is_written(reference: dict[str, Any]) -> None:
    message = ResourceSet([Entry(DOCTOR, "urn:uuid:1")])
    assert message.resolve(reference, {}) is DOCTOR


@pytest.mark.parametrize(
    "reference", [None, 7, {}, {"reference": None}, {"reference": "#x"}, {"reference": "Practitioner/d2"}]
)
def test_a_reference_to_nothing_means_nothing(reference: Any) -> None:
    assert ResourceSet([Entry(DOCTOR)]).resolve(reference, {}) is None


def test_a_hash_means_what_the_resource_contains() -> None:
    holder = {"resourceType": "Observation", "contained": [{"id": "o"}, None]}
    message = ResourceSet([Entry(holder), Entry({"resourceType": "Observation", "id": "o"})])
    assert message.resolve({"reference": "#o"}, holder) is holder["contained"][0]
    assert message.resolve("#", holder) is holder


def test_what_a_transaction_deletes_is_said_and_what_a_collection_includes_is_context() -> None:
    request = {"method": "DELETE", "url": "Observation/o1"}
    (deleted,) = entries_in(bundle("transaction", {"request": request}))
    assert deleted == Entry({}, deletes="Observation/o1")
    included = {"resource": DOCTOR, "search": {"mode": "include"}}
    assert [e.context for kind in ("collection", "searchset") for e in entries_in(bundle(kind, included))] == [
        True,
        False,
    ]
