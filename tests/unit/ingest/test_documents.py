from __future__ import annotations

import pytest

from ccit.errors import InputError
from ccit.ingest.documents import document_from_line, document_of_text


def test_only_the_text_must_be_there() -> None:
    document = document_from_line(b'{"text": "Hgb 9.1", "title": "Blood"}', "ward:1")
    assert (document.document_id, document.text, document.title, document.people) == ("ward:1", "Hgb 9.1", "Blood", ())
    assert document_of_text("Hgb 9.1", "note").document_id == "note"


@pytest.mark.parametrize("line", [b"[1]", b'{"title": "Zyx"}', b'{"text": "Zyx", "people": [{"role": "Zyx"}]}', b"Zyx"])
def test_what_is_none_is_refused_without_a_quotation(line: bytes) -> None:
    with pytest.raises(InputError) as caught:
        document_from_line(line, "ward:1")
    assert "Zyx" not in str(caught.value)


def test_a_fault_names_no_key_of_the_sender() -> None:
    with pytest.raises(InputError, match="dates: ") as caught:
        document_from_line(b'{"text": "x", "dates": {"Zyxwald": 7}}', "ward:1")
    assert "Zyxwald" not in str(caught.value)
