"""A message or a batch, through the reader."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ccit.errors import InputError
from ccit.ingest.clinical.hl7v2 import Hl7Reader
from ccit.ports.clinical import ClinicalContext
from ccit.ports.ingest import RawMessage

ONE = b"MSH|^~\\&|L|N|||2026||ORU^R01|7|P|2.5\rPID|1||12\rOBR|1||5|1^X\rOBX|1|TX|||5 \xb5g\r"


def reader(**settings: str) -> Hl7Reader:
    return Hl7Reader(Hl7Reader.Settings.model_validate(settings), ClinicalContext(max_bytes=1000))


def test_each_message_of_a_batch_gives_its_documents() -> None:
    found = list(
        reader().documents(RawMessage("", b"BHS|^~\\&|A\r" + ONE + ONE.replace(b"|7|", b"|8|") + b"BTS|2\r", 0.0))
    )
    assert [document.origin.message_id for document in found] == ["7", "8"]
    assert len({document.origin.message_digest for document in found}) == 2


def test_bytes_without_a_declaration_are_read_in_the_configured_set() -> None:
    (document,) = reader(charset="latin-1").documents(RawMessage("", ONE, 0.0))
    assert (document.text, document.notes) == ("5 µg", ())


def test_a_character_set_that_python_does_not_know_is_refused_with_the_configuration() -> None:
    with pytest.raises(ValidationError, match="expected a character set"):
        reader(charset="utf-16")


def test_a_message_that_is_too_large_or_none_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="at most 1000 bytes"):
        list(reader().documents(RawMessage("application/hl7-v2", ONE * 20, 0.0)))
    with pytest.raises(InputError, match="begins with MSH"):
        list(reader().documents(RawMessage("application/hl7-v2", b"PID|1", 0.0)))


def test_types_and_first_segments_are_accepted() -> None:
    assert reader().accepts("application/hl7-v2", b"")
    assert reader().accepts("", b"\x0bMSH|")
    assert not reader().accepts("application/json", b"MSH|")
    assert not reader().accepts("", b"{")
