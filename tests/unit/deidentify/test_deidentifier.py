from __future__ import annotations

from collections import Counter

from ccit.clinical import Identifier, Name, Person
from ccit.deidentify.deidentifier import Deidentifier
from ccit.deidentify.safe_harbor import SafeHarbor
from ccit.ports.deidentify import Known
from ccit.testing import recognisers

KNOWN = Known(
    people=(
        Person("patient", names=(Name("Esterkin", ("Sumiko",)),), identifiers=(Identifier("2590157853", kind="MR"),)),
    ),
    year=2019,
)


def test_a_note_is_masked_and_its_medicine_is_kept() -> None:
    note = (
        "Pt. ESTERKIN, Sumiko (MRN 2590157853), 93 yo, seen 3/14/2019 by Dr. Ann Roe. Hgb 9.1, BP 120/80. "
        "Lasix 40 mg b.i.d., Foley catheter. Call 555-0199."
    )
    cleaned = Deidentifier(recognisers(), SafeHarbor()).clean(note, KNOWN)
    assert cleaned.text == (
        "Pt. [NAME-1] (MRN [RECORD]), [90+] yo, seen [2019] by Dr. [NAME-2]. Hgb 9.1, BP 120/80. "
        "Lasix 40 mg b.i.d., Foley catheter. Call [PHONE]."
    )
    assert cleaned.left == ()
    assert Counter(span.kind for span in cleaned.replaced) == {"age": 1, "date": 1, "name": 2, "phone": 1, "record": 1}
    assert all(cleaned.text[start] == "[" for start, _ in cleaned.masks)


def test_what_the_record_knows_and_no_recogniser_finds_is_left_over() -> None:
    cleaned = Deidentifier({}, SafeHarbor()).clean("sent to xesterkins and 25 9015 7853", KNOWN)
    assert sorted(span.kind for span in cleaned.left) == ["name", "other"]
    assert Deidentifier({}, SafeHarbor()).clean("nobody", KNOWN).left == ()


def test_masks_of_an_earlier_run_stay() -> None:
    text = "[NAME-1] seen [2019] by Dr. [NAME-2], [ZIP 021], [90+]"
    assert Deidentifier(recognisers(), SafeHarbor()).clean(text, KNOWN).text == text
