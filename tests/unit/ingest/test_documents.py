from __future__ import annotations

import pytest

from ccit.errors import InputError
from ccit.ingest.documents import document_from_line, document_of_text


def test_only_the_text_must_be_there() -> None:
    document = document_from_line(b'{"text": "Hgb 9.1", "title": "Blood"}', "ward:1")
    assert (document.document_id, document.text, document.title, document.people) == ("ward:1", "Hgb 9.1", "Blood", ())
    assert document_of_text("Hgb 9.1", "note").document_id == "note"
    assert document.origin.form == document_of_text("Hgb 9.1", "note").origin.form == "other"


@pytest.mark.parametrize("line", [b"[1]", b'{"title": "Zyx"}', b'{"text": "Zyx", "people": [{"role": "Zyx"}]}', b"Zyx"])
def test_what_is_none_is_refused_without_a_quotation(line: bytes) -> None:
    with pytest.raises(InputError) as caught:
        document_from_line(line, "ward:1")
    assert "Zyx" not in str(caught.value)


def test_a_fault_names_no_key_of_the_sender() -> None:
    with pytest.raises(InputError, match="dates: ") as caught:
        document_from_line(b'{"text": "x", "dates": {"Zyxwald": 7}}', "ward:1")
    assert "Zyxwald" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"text": "Zyx", "peopel": []}', "1 others"),
        (b'{"text": "Zyx", "people": [{"role": "patient", "nmaes": [], "names": [{"famly": "Zyx"}]}]}', "2 others"),
        (b'{"text": "Zyx", "text": "Zyx"}', "each name once"),
        (b'{"text": "Zyx\\u0000"}', "NUL"),
        (b'{"text": "Zyx", "fields": ' + b"[" * 200 + b"]" * 200 + b"}", "deep"),
        (b'{"text": "Zyx", "fields": {"a": [' + b"[]," * 400_000 + b"[]]}}", "in memory"),
    ],
)
def test_what_could_be_misunderstood_is_refused(line: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        document_from_line(line, "ward:1")
    assert "Zyx" not in str(caught.value)


def test_a_sender_names_facts_and_dates_as_he_likes() -> None:
    line = b'{"text": "Hgb 9.1", "fields": {"names": [{"any": 1}]}, "dates": {"people": "2019"}}'
    assert document_from_line(line, "ward:1").fields == {"names": [{"any": 1}]}
