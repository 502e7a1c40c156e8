"""The second scan."""

from __future__ import annotations

import pytest

from ccit.deidentify.deidentifier import Deidentifier
from ccit.deidentify.shifted import Shifted
from ccit.generation.identifiers import IdentifierScan
from ccit.testing import recognisers
from tests.unit.generation.parts import ANSWER, scan, source


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Seen by Dr. Ann Roe.", "name"),
        ("He came on 3/14/2019.", "date"),
        ("Call 617-555-0142.", "phone"),
        ("Write to ann.roe@example.org.", "mail"),
        ("MRN 4711234.", "record"),
        ("Her SSN is 219-09-9999.", "ssn"),
        ("She is 93 years old.", "age"),
    ],
)
def test_what_may_identify_somebody_is_a_fault_that_does_not_quote_it(text: str, kind: str) -> None:
    fault = scan().fault(f"{ANSWER} {text}", source())
    assert fault is not None
    assert (fault.constraint, kind in fault.sentence) == ("identifying", True)
    assert not any(word in fault.sentence for word in ("Roe", "4711", "2019", "555", "93"))


def test_masks_are_none() -> None:
    assert scan().fault(f"[NAME-1] was seen on [2019] in [PLACE], [90+]. {ANSWER}", source()) is None


def test_a_moved_date_of_the_record_is_none_and_any_other_is() -> None:
    shifted = IdentifierScan(Deidentifier(recognisers(), Shifted(b"k" * 32)), shifted=True)
    shown = source("Seen on 2019-03-14.")
    assert shifted.fault("Seen on 2019-03-14.", shown) is None
    assert shifted.fault("Seen on 2019-03-15.", shown) is not None
    assert scan().fault("Seen on 2019-03-14.", shown) is not None
