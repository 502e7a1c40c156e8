"""Invented people of the simulated hospital: patients, relatives and doctors, with all that a record says of them.

Names are put together from syllables that no word holds, towns are invented, and numbers lie in ranges that are given
to nobody, so each is also a canary: found anywhere behind de-identification, it has leaked.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

_FAMILY = (
    ("Quenz", "Zarv", "Voskr", "Thrimb", "Yelbr", "Draxt", "Oquin", "Wizzk", "Jukov", "Phlom"),
    ("abor", "eniko", "ulmar", "ivetz", "ombrek", "andiz", "ostrin", "egarth", "ulvane", "irosk"),
)
_GIVEN = (
    ("Ildov", "Mavrik", "Sunjel", "Pertiv", "Odrel", "Kasmir", "Tovren", "Belzir", "Yorvin", "Umbrel"),
    ("ana", "ello", "ique", "onda", "usha", "ark", "eth", "oril"),
)
_STREETS = ("Skumov", "Brevlat", "Ozmund", "Kelvrat", "Trinzoy", "Halvunk", "Wendrox", "Gribbel")
_TOWNS = ("Brenwald", "Ostrevik", "Malquen", "Tirzbach", "Yundorf", "Kolvern")


@dataclass(frozen=True, slots=True)
class InventedPerson:
    """Somebody.

    Parameters
    ----------
    number : str
        Of the medical record, or of the doctor: eight digits.
    phone : str
        As it is written; its exchange (555-01) is given to nobody.
    postal_code : str
        `90813-0199`: five digits alone, as of a port or a duration, would be found everywhere.
    born : str
        `1962-02-14`.
    """

    given: str
    family: str
    number: str
    phone: str
    mail: str
    street: str
    town: str
    postal_code: str
    born: str
    sex: str

    @property
    def canaries(self) -> tuple[tuple[str, ...], ...]:
        """What of it must not get past de-identification, each in the forms in which it may be written."""
        alone = (self.given, self.family, self.number, self.mail, self.street, self.town, self.postal_code)
        digits = "".join(filter(str.isdigit, self.phone))
        return (*((one,) for one in alone), (self.phone, digits), (self.born, self.born.replace("-", "")))


def people(count: int, rng: random.Random) -> list[InventedPerson]:
    """So many people, at most 8,000; no two of them have both names in common.

    >>> somebody = people(1, random.Random(0))[0]
    >>> len(somebody.number), somebody.phone[:6]
    (8, '(620) ')
    """
    family = [a + b for a in _FAMILY[0] for b in _FAMILY[1]]
    given = [a + b for a in _GIVEN[0] for b in _GIVEN[1]]
    names = rng.sample([(one, other) for one in given for other in family], count)
    return [_person(one, other, rng) for one, other in names]


def _person(given: str, family: str, rng: random.Random) -> InventedPerson:
    born = f"{rng.randint(1940, 2005)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    return InventedPerson(
        given=given,
        family=family,
        number=str(rng.randint(70_000_000, 79_999_999)),
        phone=f"(620) 555-01{rng.randint(0, 99):02d}",
        mail=f"{given}.{family}@ward.example.org".lower(),
        street=f"{rng.randint(100, 999)} {rng.choice(_STREETS)} Row",
        town=rng.choice(_TOWNS),
        postal_code=f"{rng.randint(10_000, 99_999)}-0199",
        born=born,
        sex=rng.choice("FM"),
    )
