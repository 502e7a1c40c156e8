from __future__ import annotations

import pytest

from ccit.clinical import Name, Person
from ccit.deidentify.name_parts import NameForms, forms_of


def forms(*names: Name, others: tuple[str, ...] = ()) -> NameForms:
    return forms_of((Person("patient", names=names, others=others),))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        (Name("O'Brien-Smith", ("Zoë",)), {"brien", "obrien", "smith", "briensmith", "zoe", "zoeobriensmith"}),
        (Name("Müller"), {"muller", "mueller"}),
        (Name("Mueller"), {"muller", "mueller"}),
        (Name("Sørensen"), {"sorensen", "soerensen"}),
        (Name("van der Berg"), {"berg"}),
        (Name("", text="Ann Roe"), {"ann", "roe"}),
        (Name("Doe", suffix="Esquire"), {"doe", "esquire"}),
    ],
)
def test_a_name_is_known_in_all_its_parts_and_spellings(name: Name, parts: set[str]) -> None:
    assert parts <= forms(name).parts


def test_particles_and_initials_are_names_beside_a_part_alone() -> None:
    found = forms(Name("van Berg", ("J", "Ann")))
    assert {"van", "j"} <= found.beside
    assert not {"van", "j"} & found.parts
    assert {"v", "b", "j", "a"} <= found.initials


def test_monograms_are_read_in_both_orders_and_with_all_given_names() -> None:
    assert forms(Name("Smith", ("John", "Mark"))).monograms == {"js", "sj", "jms"}
    assert forms(Name("Smith")).monograms == set()


def test_long_parts_may_be_misspelt_alone_and_short_ones_beside_another() -> None:
    found = forms(Name("Esterkin", ("Anna",)))
    assert (found.misspelt.meant("esterkn"), found.misspelt.meant("ana")) == ("esterkin", None)
    assert (found.misspelt_beside.meant("ana"), found.misspelt_beside.meant("esterkn")) == ("anna", None)


def test_a_name_in_chinese_is_looked_for_whole_and_its_given_name_alone() -> None:
    assert forms(Name("王", ("小明",))).whole == ("小明王", "王小明", "小明")
    assert forms(Name("Wang", ("Li",))).whole == ()


def test_of_a_free_text_only_what_is_no_word_of_the_language_is_a_name() -> None:
    found = forms(Name("Doe"), others=("Baker at Esterkin & Sons 12345",))
    assert "esterkin" in found.parts
    assert not {"baker", "sons", "12345"} & found.parts
