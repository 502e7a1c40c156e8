"""Nothing of a patient shows when a document is printed."""

from __future__ import annotations

from ccit.clinical import Address, ClinicalDocument, Identifier, Name, Note, Origin, Person

CANARY = "Zyxwald"


def test_a_document_in_a_log_line_names_nobody() -> None:
    person = Person(
        "patient",
        names=(Name(CANARY, (CANARY,), CANARY, CANARY, CANARY),),
        identifiers=(Identifier(CANARY, CANARY, CANARY),),
        addresses=(Address((CANARY,), CANARY, CANARY, CANARY, CANARY, CANARY),),
        contacts=(CANARY,),
        born=CANARY,
        died=CANARY,
        sex=CANARY,
        others=(CANARY,),
    )
    document = ClinicalDocument(
        document_id=CANARY,
        origin=Origin("hl7v2", "ORU^R01", CANARY, "0" * 64, CANARY),
        subject=CANARY,
        title=CANARY,
        text=CANARY,
        kind=CANARY,
        language=CANARY,
        written=CANARY,
        dates={"admitted": CANARY},
        places=(CANARY,),
        fields={"code": CANARY},
        replaces=(CANARY,),
        people=(person,),
        notes=(Note("charset", "read as Latin-1"),),
    )
    assert CANARY not in repr(document)
    assert "ORU^R01" in repr(document)
