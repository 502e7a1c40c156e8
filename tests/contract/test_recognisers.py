"""What every registered Recogniser must do, and the two modes that replace what it finds."""

from __future__ import annotations

import pickle
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.clinical import Address, Identifier, Name, Person
from ccit.deidentify.earlier_masks import MASK
from ccit.deidentify.safe_harbor import SafeHarbor
from ccit.deidentify.shifted import Shifted
from ccit.plugins import Plugin
from ccit.ports.deidentify import Kind, Known, Mode, Page, Recogniser, RecogniserContext, Replacing, Span
from tests.contract.registered import each, made

CONTEXT = RecogniserContext()
KNOWN = Known(
    people=(
        Person(
            "patient",
            names=(Name("Esterkin-Roe", ("Sumiko", "Lee")),),
            identifiers=(Identifier("2590157853", kind="MR"),),
            addresses=(Address(("170 Juice Place",), "Emporia", postal_code="66801"),),
            contacts=("020 5368 1665", "s.esterkin@example.org"),
            born="1927-05-21",
        ),
    ),
    places=("Newman Regional Health",),
    year=2019,
)
NOTE = (
    "Sumiko Esterkin (MRN 2590157853), 93-year-old, of 170 Juice Place, Emporia, KS 66801, seen 3/14/2019 by Dr. Roe. "
    "Call 020 5368 1665 or s.esterkin@example.org, SSN 460-89-9847, card 4111 1111 1111 1111, case 7654321. "
)
PIECES = st.sampled_from([*NOTE.split(" "), "\n", "-", "(", "+"])
TEXTS = st.text(max_size=200) | st.lists(PIECES, max_size=40).map(" ".join)


@each("recogniser")
@given(text=TEXTS)
def test_spans_lie_in_the_text_and_are_the_same_again(entry: Plugin, text: str) -> None:
    recogniser: Recogniser = made(entry, CONTEXT)
    found = list(recogniser.find(Page(text, KNOWN)))
    assert found == list(pickle.loads(pickle.dumps(recogniser)).find(Page(text, KNOWN)))
    assert all(0 <= span.start < span.end <= len(text) for span in found)
    assert all(span.rule == entry.kind for span in found)


@each("recogniser")
def test_time_is_proportional_to_the_text(entry: Plugin) -> None:
    """A text of twice the length takes twice the time: far less than the four times of a square, whatever it holds."""
    recogniser: Recogniser = made(entry, CONTEXT)
    for unit in (NOTE, "a", "9 ", "9", "Ab ", "x.", "-1", "J. ", "\n", "a@a", "0-0/"):
        short, long = unit * (2000 // len(unit)), unit * (8000 // len(unit))
        before, after = seconds(recogniser, short), seconds(recogniser, long)
        assert after < 9 * before + 0.02, (unit, before, after)


def seconds(recogniser: Recogniser, text: str) -> float:
    """The best of three."""
    taken = []
    for _ in range(3):
        start = time.process_time()
        list(recogniser.find(Page(text, KNOWN)))
        taken.append(time.process_time() - start)
    return min(taken)


MODES: tuple[Mode, ...] = (SafeHarbor(), Shifted(b"k" * 32))
VALUES: tuple[tuple[Kind, str], ...] = (
    *(("name", "Ann Roe"), ("place", "7 Elm Row"), ("zip", "02139"), ("date", "3/14/2019"), ("age", "93")),
    *(("phone", "555-1234"), ("mail", "a@b.org"), ("ssn", "460-89-9847"), ("record", "4711"), ("device", "SN-1")),
)


@pytest.mark.parametrize("mode", MODES, ids=["safe_harbor", "shifted"])
@pytest.mark.parametrize(("kind", "value"), VALUES)
def test_a_replacement_is_a_mask_that_does_not_hold_what_it_replaces(mode: Mode, kind: Kind, value: str) -> None:
    page: Replacing = mode.page(KNOWN, "p-17")
    written = page.replacement(kind, value)
    assert value not in written
    assert written == page.replacement(kind, value)
    assert MASK.fullmatch(written) or (kind == "date" and isinstance(mode, Shifted))


def test_a_span_says_who_found_it() -> None:
    assert Span(0, 1, "name", "known_names").rule == "known_names"
