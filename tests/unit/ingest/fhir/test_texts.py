"""Attachments, reports and narratives; cases 12 and 14 of what integration engineers report."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from ccit.ingest.fhir.resource_text import Place, ResourceText
from ccit.ingest.fhir.resources import Entry, ResourceSet
from ccit.ingest.fhir.texts import composition_in, document_reference_in, report_in

BINARY = {
    "resourceType": "Binary",
    "id": "b",
    "contentType": "text/html",
    "data": base64.b64encode(b"<p>Hi</p>").decode(),
}


def reference(*attachments: dict[str, Any]) -> ResourceText:
    resource = {"resourceType": "DocumentReference", "content": [{"attachment": one} for one in attachments]}
    return document_reference_in(Place(resource, ResourceSet([Entry(BINARY, "urn:uuid:7")]), resource))


def data(text: bytes, said: str = "text/plain") -> dict[str, Any]:
    return {"contentType": said, "data": base64.b64encode(text).decode()}


@pytest.mark.parametrize("url", ["Binary/b", "https://ward.example/fhir/Binary/b", "urn:uuid:7"])
def test_a_binary_of_the_same_message_is_followed(url: str) -> None:
    assert reference({"url": url}).text == "Hi"


@pytest.mark.parametrize(
    ("attachment", "kind", "sentence"),
    [
        (
            {"url": "https://cdn.example/x.pdf"},
            "not_fetched",
            "an attachment is only pointed to by a URL, which is not",
        ),
        ({"url": "Binary/x"}, "not_fetched", "an attachment points to a Binary that did not come along"),
        ({"_data": {"extension": [{"url": "moved"}]}}, "not_fetched", "an attachment has no data; an extension may"),
        ({"data": "%%%"}, "not_read", "expected base64 in the attachment"),
        (data(b"\xff\xd8\xff\xe0"), "not_read", "found a JPEG picture"),
        (data(b"   "), "not_read", "perhaps it is a scan"),
        ({"url": "data:text/plain,hi"}, "not_read", "expected base64 in the attachment's data URL"),
    ],
)
def test_what_cannot_be_read_is_noted_and_nothing_is_fetched(
    attachment: dict[str, Any], kind: str, sentence: str
) -> None:
    draft = reference(attachment)
    assert draft.text == ""
    assert [(note.kind, sentence in note.detail) for note in draft.notes] == [(kind, True)]


def test_of_several_formats_the_first_that_can_be_read_counts() -> None:
    draft = reference({"url": "https://cdn.example/x.pdf"}, data(b"{\\rtf1 Fever.}", "application/rtf"), data(b"Again"))
    assert draft.text == "Fever."
    assert [note.kind for note in draft.notes] == ["not_fetched", "attachment"]


def test_a_report_holds_its_results_its_conclusion_and_its_form() -> None:
    result = {"resourceType": "Observation", "id": "o", "code": {"text": "Hgb"}, "valueQuantity": {"value": 9.1}}
    resource = {
        "resourceType": "DiagnosticReport",
        "contained": [result],
        "result": [{"reference": "#o"}, {"reference": "Observation/gone"}],
        "conclusion": "Anaemia.",
        "conclusionCode": [{"text": "Iron deficiency"}],
        "presentedForm": [data(b"Signed.")],
        "text": {"div": "<div>narrative</div>"},
    }
    draft = report_in(Place(resource, ResourceSet([]), resource))
    assert draft.text == "Hgb: 9.1\nAnaemia.\nConclusion: Iron deficiency\nSigned."
    bare = {"resourceType": "DiagnosticReport", "text": resource["text"]}
    assert report_in(Place(bare, ResourceSet([]), bare)).text == "narrative"


def test_sections_of_a_composition_keep_their_order_inside_each_other() -> None:
    def section(title: str, *inner: dict[str, Any]) -> dict[str, Any]:
        return {"title": title, "text": {"div": f"<div>of {title}</div>"}, "section": list(inner)}

    resource = {"section": [section("A", section("B"), section("C")), None, section("D")]}
    text = composition_in(Place(resource, ResourceSet([]), resource)).text
    assert text.split("\n") == ["A", "of A", "B", "of B", "C", "of C", "D", "of D"]


def test_a_document_replaces_what_it_says_it_replaces() -> None:
    related = [
        {"code": "replaces", "target": {"reference": "https://ward.example/DocumentReference/d0"}},
        {"code": "appends", "target": {"reference": "DocumentReference/d9"}},
    ]
    resource = {"resourceType": "DocumentReference", "relatesTo": related}
    assert document_reference_in(Place(resource, ResourceSet([]), resource)).replaces == ("DocumentReference/d0",)
