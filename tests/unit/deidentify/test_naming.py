from __future__ import annotations

from ccit.clinical import Name, Person
from ccit.deidentify.naming import Naming
from ccit.ports.deidentify import Known

ANN, BOB = Person("patient", names=(Name("Roe", ("Ann",)),)), Person("relative", names=(Name("Poe", ("Bob",)),))


def test_people_are_numbered_as_they_appear_and_known_by_any_word_of_their_name() -> None:
    naming = Naming(Known())
    names = ("Li Wei", "Dr. Lee", "WEI", "Lee, Jo", "Jo", "Max")
    assert [naming.person(name) for name in names] == [0, 1, 0, 1, 1, 2]


def test_the_record_joins_names_that_share_no_word() -> None:
    naming = Naming(Known(people=(ANN, BOB)))
    assert [naming.person(name) for name in ("Ann", "Poe", "Roe", "Bob", "Zoe")] == [0, 1, 0, 1, 2]
    assert [naming.record_of(number) for number in (0, 1, 2)] == [ANN, BOB, None]


def test_a_particle_or_an_initial_joins_nobody() -> None:
    naming = Naming(Known())
    assert [naming.person(name) for name in ("van Berg", "van Dyk", "A. Berg", "A. Dyk")] == [0, 1, 0, 1]


def test_an_initial_alone_is_somebody() -> None:
    naming = Naming(Known())
    assert [naming.person(name) for name in ("J", "K", "J")] == [0, 1, 0]
