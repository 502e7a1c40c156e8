"""Who is named in a message: the fields that hold names, numbers, addresses, telephone numbers and dates of people.

Field numbers are those of HL7 v2.8, which keeps the places of all earlier versions. All segments of a patient's part of
the message count, wherever they stand: a note before `NK1` names the daughter just as well as one after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ccit.clinical import Address, Identifier, Name, Person, Role
from ccit.ingest.hl7.message import Segment


@dataclass(frozen=True, slots=True)
class Fields:
    """Where a segment says what of one person; numbers of fields."""

    role: Role
    names: tuple[int, ...] = ()
    identifiers: tuple[int, ...] = ()
    addresses: tuple[int, ...] = ()
    contacts: tuple[int, ...] = ()
    born: int = 0
    died: int = 0
    sex: int = 0
    others: tuple[int, ...] = ()


_PEOPLE: Mapping[str, tuple[Fields, ...]] = {
    "PID": (
        Fields("patient", (5, 9), (2, 3, 4, 18, 19, 20), (11,), (13, 14, 40), 7, 29, 8, (12, 23)),
        Fields("relative", (6,), (21,)),
    ),
    "MRG": (Fields("patient", (7,), (1, 2, 3, 4, 5, 6)),),
    "NK1": (
        Fields("relative", (2, 26), (12, 33, 37), (4,), (5, 6, 40), 16, 0, 15, (13,)),
        Fields("relative", (30,), (), (32,), (31, 41)),
    ),
    "GT1": (
        Fields("relative", (3, 4), (2, 12, 19), (5,), (6, 7), 8, 0, 9, (21, 16)),
        Fields("relative", (42, 45), (), (17,), (18, 46)),
    ),
    "IN1": (
        Fields("insured", (16,), (36, 49, 8), (19,), (), 18, 0, 43, (11,)),
        Fields("practitioner", (6,), (), (5,), (7,)),
    ),
    "IN2": (
        Fields("insured", (7, 9, 22, 40, 52), (1, 2, 6, 8, 25, 26, 61), (), (63, 64, 57, 58), 0, 0, 0, (3, 69, 70)),
    ),
    "IN3": (Fields("practitioner", (8, 14, 25), (2,), (), (16, 19)),),
    "ACC": (Fields("relative", (7, 8), ()),),
}
"""Of the patient and his family. An insurance contact is nobody's relative: he goes with those who work there."""

_WORKERS: Mapping[str, tuple[int, ...]] = {
    "EVN": (5,),
    "PD1": (4,),
    "PV1": (7, 8, 9, 17, 52),
    "PV2": (13,),
    "ORC": (10, 11, 12, 19),
    "OBR": (10, 16, 28, 32, 33, 34, 35, 49),
    "OBX": (16, 25),
    "NTE": (5,),
    "DG1": (16,),
    "PR1": (8, 11, 12),
    "ROL": (4,),
    "PRD": (2,),
    "CTD": (2,),
    "AIP": (3,),
    "SCH": (12, 16, 20),
    "RXA": (10,),
    "RXE": (13, 14),
    "RXO": (14, 15),
    "RXD": (10,),
    "RXG": (19,),
    "FT1": (20, 21, 24),
    "PRT": (5,),
    "CON": (25, 22),
    "ARQ": (15, 19),
    "IAM": (14, 18),
    "TXA": (5, 10, 11, 22, 23),
}
_AUTHORS: Mapping[str, tuple[int, ...]] = {"TXA": (9,)}
_WORK_CONTACTS: Mapping[str, tuple[int, ...]] = {
    "OBR": (17,),
    "ORC": (14,),
    "SCH": (13, 17, 21),
    "PRD": (5,),
    "CTD": (5,),
}
_WORK_ADDRESSES: Mapping[str, tuple[int, ...]] = {"ORC": (24, 22), "PRD": (3,), "CTD": (3,), "OBX": (24,), "ROL": (11,)}
_IN_SUBCOMPONENTS = {("OBR", number) for number in (32, 33, 34, 35)}  # NDL: one name in the first component

_TYPES_OF_WORKERS = ("XCN", "CN", "PPN")  # a number, then a name

_NUMBERS: Mapping[str, tuple[int, ...]] = {
    "PV1": (5, 19, 50),
    "OBR": (2, 3),
    "ORC": (2, 3, 4, 8),
    "TXA": (12, 13, 14, 15, 16),
    "SCH": (1, 2, 26, 27),
    "SPM": (2,),
    "SAC": (3, 4),
    "FT1": (2, 23),
    "IN1": (2, 3, 46),
    "CON": (9,),
    "MSH": (10,),
}
"""Numbers of visits, orders, documents and specimens: who has the system finds the patient by them."""


def people_in(segments: Iterable[Segment]) -> tuple[Person, ...]:
    """Everybody whom these segments name, the patient first; whoever is named twice in the same words comes once."""
    found: dict[Person, None] = {}
    for segment in segments:
        for person in _named_in(segment):
            found.setdefault(person)
    return tuple(sorted(found, key=lambda person: person.role != "patient"))


def name_in(segment: Segment, repetition: str) -> Name:
    """A person's name (XPN): its family name's first part is the surname, own prefixes stand before it."""
    at = segment.part
    given = tuple(text for text in (at(repetition, 2), at(repetition, 3)) if text)
    return Name(at(repetition, 1), given, prefix=at(repetition, 5), suffix=at(repetition, 4))


def worker_in(segment: Segment, repetition: str, role: Role, *, in_subcomponents: bool = False) -> Person | None:
    """A number and a name (XCN, or CNN in the first component of NDL); None where both are missing."""
    inner = segment.components(repetition)[0] if in_subcomponents else repetition
    at = _in_subcomponents(segment) if in_subcomponents else segment.part
    number, family = at(inner, 1), at(inner, 2)
    given = tuple(text for text in (at(inner, 3), at(inner, 4)) if text)
    names = (Name(family, given, at(inner, 6), at(inner, 5)),) if family or given else ()
    if not names and number and not any(character.isdigit() for character in number):
        names, number = (Name(text=number),), ""  # `IvanDoctorovich` where a number should stand
    numbers = (Identifier(number, at(inner, 9), at(inner, 13)),) if number else ()
    return Person(role, names, numbers) if names or numbers else None


def _in_subcomponents(segment: Segment) -> Callable[[str, int], str]:
    return lambda inner, number: segment.part(inner, 1, number)


def address_in(segment: Segment, repetition: str) -> Address:
    """An address (XAD)."""
    at = segment.part
    lines = tuple(text for text in (at(repetition, 1), at(repetition, 2)) if text)
    return Address(lines, at(repetition, 3), at(repetition, 9), at(repetition, 4), at(repetition, 5), at(repetition, 6))


def contacts_in(segment: Segment, repetition: str) -> Iterator[str]:
    """What is a telephone number or a mail address of an XTN: written out, in its parts, or both."""
    yield from (text for text in (segment.part(repetition, 1), segment.part(repetition, 4)) if text)
    parts = [text for number in (5, 6, 7) if (text := segment.part(repetition, number))]
    if parts:
        yield "-".join(parts)
    if whole := segment.part(repetition, 12):
        yield whole


def identifier_in(segment: Segment, repetition: str) -> Identifier | None:
    """A number with its authority (CX, EI); None where there is none."""
    value = segment.part(repetition, 1)
    kind = segment.part(repetition, 5)
    return Identifier(value, segment.part(repetition, 4), kind) if value else None


def _named_in(segment: Segment) -> Iterator[Person]:
    for fields in _PEOPLE.get(segment.name, ()):
        person = _person(segment, fields)
        if person is not None:
            yield person
    yield from _workers(segment)
    if segment.name == "OBX":
        yield from _observed(segment)
    numbers = tuple(_identifiers(segment, _NUMBERS.get(segment.name, ())))
    if numbers:
        yield Person("patient", identifiers=numbers)


def _observed(segment: Segment) -> Iterator[Person]:
    """A result may be a name, an address or a number of somebody: its type (OBX-2) says so."""
    kind = segment.text(2).upper()
    for one in segment.repetitions(5):
        if kind in _TYPES_OF_WORKERS:
            found = worker_in(segment, one, "relative")
        else:
            names = (name_in(segment, one),) if kind in ("XPN", "PN") else ()
            addresses = (address_in(segment, one),) if kind in ("XAD", "AD") else ()
            contacts = tuple(contacts_in(segment, one)) if kind in ("XTN", "TN") else ()
            number = identifier_in(segment, one) if kind in ("CX", "CK", "EI") else None
            found = Person("relative", names, (number,) if number else (), addresses, contacts)
        if found is not None and found != Person("relative"):
            yield found


def _workers(segment: Segment) -> Iterator[Person]:
    roles: tuple[tuple[Role, tuple[int, ...]], ...] = (
        ("author", _AUTHORS.get(segment.name, ())),
        ("practitioner", _WORKERS.get(segment.name, ())),
    )
    for role, numbers in roles:
        for number in numbers:
            nested = (segment.name, number) in _IN_SUBCOMPONENTS
            for one in segment.repetitions(number):
                person = worker_in(segment, one, role, in_subcomponents=nested)
                if person is not None:
                    yield person
    contacts = tuple(_contacts(segment, _WORK_CONTACTS.get(segment.name, ())))
    addresses = tuple(_addresses(segment, _WORK_ADDRESSES.get(segment.name, ())))
    if contacts or addresses:
        yield Person("practitioner", addresses=addresses, contacts=contacts)


def _person(segment: Segment, fields: Fields) -> Person | None:
    names = tuple(name_in(segment, one) for number in fields.names for one in segment.repetitions(number))
    person = Person(
        fields.role,
        names=tuple(name for name in names if name != Name()),
        identifiers=tuple(_identifiers(segment, fields.identifiers)),
        addresses=tuple(_addresses(segment, fields.addresses)),
        contacts=tuple(_contacts(segment, fields.contacts)),
        born=segment.text(fields.born) if fields.born else "",
        died=segment.text(fields.died) if fields.died else "",
        sex=segment.text(fields.sex) if fields.sex else "",
        others=tuple(text for number in fields.others if (text := segment.text(number))),
    )
    return None if person == Person(fields.role) else person


def _identifiers(segment: Segment, numbers: Iterable[int]) -> Iterator[Identifier]:
    for number in numbers:
        for one in segment.repetitions(number):
            found = identifier_in(segment, one)
            if found is not None:
                kind = {("PID", 19): "SS", ("PID", 20): "DL", ("PID", 18): "AN"}.get((segment.name, number), found.kind)
                yield Identifier(found.value, found.system, found.kind or kind)


def _contacts(segment: Segment, numbers: Iterable[int]) -> Iterator[str]:
    for number in numbers:
        for one in segment.repetitions(number):
            yield from contacts_in(segment, one)


def _addresses(segment: Segment, numbers: Iterable[int]) -> Iterator[Address]:
    found = (address_in(segment, one) for number in numbers for one in segment.repetitions(number))
    yield from (address for address in found if address != Address())
