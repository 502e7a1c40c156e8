from __future__ import annotations

import pytest

from ccit.clinical import ClinicalDocument, Identifier, Name, Origin, Person
from ccit.deidentify.deidentifier import Deidentifier
from ccit.deidentify.documents import known_of
from ccit.deidentify.earlier_masks import MASK, earlier_masks, held_in
from ccit.deidentify.safe_harbor import SafeHarbor
from ccit.deidentify.shifted import Shifted
from ccit.ports.deidentify import Known, Mode
from ccit.testing import recognisers

PATIENT = Person("patient", (Name("Decade", ("Ada",)),), (Identifier("471123", kind="MR"),), born="19620214")
KNOWN = Known(people=(PATIENT,), year=2019)
SHIFTED = Shifted(b"k" * 32)


@pytest.mark.parametrize(
    ("written", "masked"),
    [
        ("Seen [DATE-19620214] and [RECORD-00471123] by", "Seen [1962] and [RECORD] by"),
        ("[SSN-99887766] of anybody, [PLACE-7-Elm-Row]", "[SSN] of anybody, [PLACE]"),
        ("[DATE-02/14/1962 10:30], [SSN-123 45 6789], [PHONE-555 123 4567]", "[1962], [SSN], [PHONE]"),
        ("[NAME-Karl\nEsterkin] of [PLACE-12 Elm Street]", "[NAME-1] of [PLACE]"),
        ("[ZIP 036] and [ZIP 021]", "[ZIP] and [ZIP 021]"),
        ("born [1925], seen [2019]", "born [DATE], seen [2019]"),
        ("[NAME-ada] and [NAME-decade], [NAME-esterkin]", "[NAME-1] and [NAME-1], [NAME-2]"),
        ("[AGE-93] and [90+]", "[OTHER] and [90+]"),
        ("[NAME-7] [NAME] [DATE] [ZIP] [RECORD]", "[NAME-7] [NAME] [DATE] [ZIP] [RECORD]"),
    ],
)
def test_a_mask_that_says_more_than_it_may_is_masked_whole(written: str, masked: str) -> None:
    cleaned = Deidentifier(recognisers(), SafeHarbor()).clean(written, KNOWN)
    assert (cleaned.text, cleaned.left) == (masked, ())


def test_the_document_that_carried_a_birth_date_and_a_padded_number_to_raw_carries_them_no_more() -> None:
    note = ClinicalDocument("7", Origin("hl7v2", "ORU^R01", "7", ""), subject="471123", people=(PATIENT,))
    text = Deidentifier(recognisers(), SHIFTED).clean("[RECORD-00471123] [DATE-19620214]", known_of(note), "p").text
    assert "471123" not in text
    assert "19620214" not in text


def test_shifted_knows_its_own_marks_and_nobody_elses() -> None:
    own, other = (mode.page(KNOWN, "p") for mode in (SHIFTED, Shifted(b"K" * 32)))
    stays, forged = own.replacement("record", "471123"), other.replacement("record", "471123")
    assert earlier_masks(stays, KNOWN, own) == ([(0, len(stays))], [])
    assert [span.kind for span in earlier_masks(forged, KNOWN, own)[1]] == ["record"]
    assert [span.kind for span in earlier_masks(stays.replace("RECORD", "PHONE"), KNOWN, own)[1]] == ["phone"]


@pytest.mark.parametrize("text", ["[2019]0471", "[NAME-201][NAME-904][NAME-71]", "2[019]0471, [ZIP 201] [NAME-904]71"])
@pytest.mark.parametrize("mode", [SafeHarbor(), SHIFTED], ids=["safe_harbor", "shifted"])
def test_a_number_of_the_record_pieced_together_of_masks_is_held_back(mode: Mode, text: str) -> None:
    record = Known(people=(Person("patient", identifiers=(Identifier("20190471", kind="MR"),)),), year=2026)
    left = Deidentifier(recognisers(), mode).clean(f"no {text}", record, "p").left
    assert [(span.kind, span.rule) for span in left] == [("other", "residue")]


def test_masks_beside_numbers_that_are_not_the_records_go_on() -> None:
    record = Known(people=(Person("patient", identifiers=(Identifier("20190471", kind="MR"),)),), year=2026)
    text = "[2019]-[2020], [2019] 0472 [NAME-1][NAME-2] of [ZIP 021]39, 0471"
    cleaned = Deidentifier(recognisers(), SafeHarbor()).clean(text, record)
    assert (cleaned.text, cleaned.left) == (text, ())


@pytest.mark.parametrize("mode", [SafeHarbor(), SHIFTED], ids=["safe_harbor", "shifted"])
def test_of_a_thousand_people_the_last_are_not_counted(mode: Mode) -> None:
    """A number of four digits may be one of the record: no mask holds one that would not stay."""
    page = mode.page(Known(), "p")
    written = [page.replacement("name", f"Esterkin{n:04d}") for n in range(1001)]
    assert all(earlier_masks(mask, Known(), page)[1] == [] for mask in written)


def test_what_a_mask_holds() -> None:
    for mask, held in (("[ZIP 036]", "036"), ("[1962]", "1962"), ("[PHONE]", "[PHONE]"), ("[90+]", "[90+]")):
        assert MASK.fullmatch(mask)
        assert held_in(mask) == held
