"""Laws of de-identification: what a record holds of people is in no masked text, however it was written there."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.clinical import Address, Identifier, Name, Person
from ccit.deidentify.deidentifier import Deidentifier
from ccit.deidentify.safe_harbor import SafeHarbor
from ccit.deidentify.shifted import Shifted
from ccit.deidentify.vocabulary import dictionary
from ccit.ports.deidentify import Known, folded
from ccit.testing import recognisers

RECOGNISERS = recognisers()
SYLLABLES = ("zyx", "wald", "ker", "mov", "tri", "sku", "bren", "oxa", "gho", "lpi", "vêr", "dü", "šan", "ñor")
NAMES = st.lists(st.sampled_from(SYLLABLES), min_size=2, max_size=4).map(lambda parts: "".join(parts).capitalize())
FILLING = st.sampled_from(
    [
        "was seen for chest pain,",
        "Hgb 9.1;",
        "by",
        "and will return.",
        "BP 120/80.",
        "\n",
        "Plan: follow up with",
        "No fever.",
    ]
)


def typed_wrong(name: str, at: int, how: int) -> str:
    """One letter left out, doubled, changed, or swapped with the next, from the second on."""
    at = 1 + at % (len(name) - 2)
    return (
        name[:at] + name[at + 1 :],
        name[:at] + name[at] * 2 + name[at + 1 :],
        name[:at] + ("q" if name[at] != "q" else "j") + name[at + 1 :],
        name[:at] + name[at + 1] + name[at] + name[at + 2 :],
    )[how]


@st.composite
def written(draw: st.DrawFn, given_name: str, family: str) -> str:
    """One of the forms that `KnownNames` states."""
    at, how = draw(st.integers(0, 20)), draw(st.integers(0, 3))
    form = draw(
        st.sampled_from(
            [
                f"{given_name} {family}",
                f"{family}, {given_name}",
                f"{family.upper()}, {given_name[0]}.",
                f"{given_name[0]}. {family}",
                f"{family.lower()}",
                f"{family}'s",
                f"{given_name}-{family}",
                f"{given_name}\n{family}",
                f"{family[:3]}-\n{family[3:]}",
                f"{folded(given_name)} {folded(family)}",
                typed_wrong(family, at, how) if len(family) >= 5 else family,  # shorter ones beside another part only
                f"{typed_wrong(given_name, at, how)} {family}",
            ]
        )
    )
    return str(form)


@given(data=st.data(), given_name=NAMES, family=NAMES)
@settings(max_examples=150)
def test_every_stated_form_of_a_name_is_gone(data: st.DataObject, given_name: str, family: str) -> None:
    form = data.draw(written(given_name, family))
    before, after = data.draw(FILLING), data.draw(FILLING)
    known = Known(people=(Person("patient", names=(Name(family, (given_name,)),)),), year=2020)
    cleaned = Deidentifier(RECOGNISERS, SafeHarbor()).clean(f"{before} {form} {after}", known)
    assert cleaned.left == ()
    words = {
        folded(word) for word in form.replace("-", " ").replace(",", " ").replace("'s", "").split() if len(word) > 2
    }
    assert not any(word in folded(cleaned.text).split() for word in words - dictionary())
    assert f"{before} " in cleaned.text or before in ("\n", "by", "Plan: follow up with")


CANARIES = {
    "family": "Zyxwald",
    "given": "Oxaker",
    "street": "714 Skumov Row",
    "town": "Brenwald",
    "postcode": "90813",
    "record": "QX-5530871",
    "phone": "620 555 0188",
    "mail": "zz.top@ward.example.org",
    "facility": "Trisku Regional Infirmary",
    "order": "ORD-8812345",
}


@given(order=st.permutations(sorted(CANARIES)), shifted=st.booleans())
@settings(max_examples=60)
def test_canaries_of_every_field_are_gone_and_masking_again_changes_nothing(order: list[str], shifted: bool) -> None:
    person = Person(
        "patient",
        names=(Name(CANARIES["family"], (CANARIES["given"],)),),
        identifiers=(Identifier(CANARIES["record"], kind="MR"),),
        addresses=(Address((CANARIES["street"],), CANARIES["town"], postal_code=CANARIES["postcode"]),),
        contacts=(CANARIES["phone"], CANARIES["mail"]),
    )
    known = Known(people=(person,), places=(CANARIES["facility"],), numbers=(CANARIES["order"],), year=2020)
    deidentifier = Deidentifier(RECOGNISERS, Shifted(b"k" * 32) if shifted else SafeHarbor())
    cleaned = deidentifier.clean(" then ".join(CANARIES[name] for name in order), known, "p-17")
    assert cleaned.left == ()
    assert [value for value in CANARIES.values() if value in cleaned.text] == []
    assert deidentifier.clean(cleaned.text, known, "p-17").text == cleaned.text


CLASSES = st.sampled_from(("NAME", "DATE", "RECORD", "SSN", "PHONE", "ZIP", "AGE"))
MASKS = st.builds("[{}-{}]".format, CLASSES, st.from_regex(r"[0-9a-f]{1,12}", fullmatch=True)) | st.sampled_from(
    ("[2019]", "[1925]", "[ZIP 036]", "[ZIP 021]", "[NAME-ada]", "[RECORD]", "[90+]")
)


@given(
    text=st.text(max_size=120)
    | st.lists(MASKS | st.sampled_from([*CANARIES.values(), "Dr.", "on 3/4", "\n"])).map(" ".join)
)
@settings(max_examples=200)
def test_masking_is_idempotent_or_the_text_is_held_back(text: str) -> None:
    deidentifier = Deidentifier(RECOGNISERS, SafeHarbor())
    cleaned = deidentifier.clean(text)
    assert cleaned.left or deidentifier.clean(cleaned.text).text == cleaned.text


NUMBERS = st.from_regex(r"[1-9][0-9]{5,8}", fullmatch=True)


@given(number=NUMBERS, padding=st.sampled_from(("", "0", "00", "a", "no ")), name=CLASSES, shifted=st.booleans())
@settings(max_examples=80)
def test_no_mask_carries_a_number_of_the_record_on(number: str, padding: str, name: str, shifted: bool) -> None:
    known = Known(people=(Person("patient", identifiers=(Identifier(number, kind="MR"),)),), year=2020)
    deidentifier = Deidentifier(RECOGNISERS, Shifted(b"k" * 32) if shifted else SafeHarbor())
    cleaned = deidentifier.clean(f"seen [{name}-{padding}{number}] there", known, "p-17")
    assert cleaned.left or number not in cleaned.text
