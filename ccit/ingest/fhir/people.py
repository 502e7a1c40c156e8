"""Everybody whom a resource names, and where it happened: the deny-list of the texts beside it.

Names, numbers, addresses and telephone numbers are found by their shape (HumanName, Identifier, Address, ContactPoint),
wherever they stand: in an extension of a profile that nobody here knows just as well as in `Patient.name`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ccit.clinical import Address, Identifier, Name, Person, Role
from ccit.ingest.fhir.resources import Resource, contained_in, type_in
from ccit.ingest.fhir.values import code_of, label_of, listed, text_of

_ROLES: Mapping[str, Role] = {
    "Patient": "patient",
    "RelatedPerson": "relative",
    "Person": "relative",
    "Practitioner": "practitioner",
    "PractitionerRole": "practitioner",
}
_PERSONS = {*_ROLES, "Group", "CareTeam"}
_PLACES = {"Organization", "Location", "HealthcareService", "Endpoint"}
_PLACE_KEYS = {
    *("organization", "location", "managingOrganization", "serviceProvider", "custodian", "origin", "destination"),
    *("facility", "hospital", "manufacturer", "assigner", "provider", "partOf"),
}
_PERSON_KEYS = {
    *("subject", "patient", "individual", "author", "performer", "actor", "asserter", "recorder", "requester"),
    *("authenticator", "party", "sender", "receiver", "recipient", "who", "onBehalfOf", "informationSource", "enterer"),
    *("generalPractitioner", "attender", "practitioner", "source", "responsible", "interpreter", "resultsInterpreter"),
    *("member", "collector", "operator", "authorReference", "subscriber", "beneficiary", "policyHolder", "payor"),
    *("focus", "sourcePatientInfo", "resultInterpreter", "other"),
}
_CONTACTS = {"phone", "fax", "email", "pager", "url", "sms", "other"}
_NUMBERS = {
    *("subscriberId", "memberId", "dependent", "serialNumber", "lotNumber", "carrierHRF", "deviceIdentifier"),
    *("distinctIdentifier", "accession", "number"),
}
_ADDRESS_KEYS = {"line", "city", "district", "postalCode"}
_NAME_KEYS = {"family", "given"}
_APART = ("contained", "contact")  # somebody else than the resource itself
_CODED_EXTENSIONS = ("race", "ethnicity", "birthsex", "genderIdentity", "religion", "nationality")


@dataclass(slots=True, repr=False)
class _Found:
    """What is in one part of a resource."""

    names: list[Name] = field(default_factory=list)
    identifiers: list[Identifier] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    contacts: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    spoken: list[tuple[Role, str]] = field(default_factory=list)  # displays of references to people

    def person(self, role: Role, **more: Any) -> Person:
        return Person(
            role,
            names=tuple(dict.fromkeys(self.names)),
            identifiers=tuple(dict.fromkeys(self.identifiers)),
            addresses=tuple(dict.fromkeys(self.addresses)),
            contacts=tuple(dict.fromkeys(self.contacts)),
            others=tuple(dict.fromkeys(self.others)),
            **more,
        )


def people_in(resource: Resource) -> Iterator[Person]:
    """Whom a resource names: itself, where it is somebody, and everybody that stands in it.

    >>> patient = {"resourceType": "Patient", "name": [{"given": ["A", None]}], "contact": [{"name": {"text": "Jo"}}]}
    >>> [(person.role, person.names[0].given or person.names[0].text) for person in people_in(patient)]
    [('patient', ('A',)), ('relative', 'Jo')]
    """
    kind = text_of(resource.get("resourceType"))
    role = _ROLES.get(kind)
    found = _found_in({key: value for key, value in resource.items() if key not in _APART})
    if kind in _PLACES:
        found.names = []
    if role is not None:
        found.others += _free_texts(resource)
    yield from _persons(found, role, _life(resource) if role is not None else {})
    yield from (Person("relative", names=(Name(text=maiden),)) for maiden in _maiden_names(resource))
    for contact in listed(resource.get("contact")):
        yield from _persons(_found_in(contact), None if role is None else "relative", {})
    for inner in contained_in(resource):
        yield from people_in(inner)


def places_in(resource: Resource) -> Iterator[str]:
    """Names of organisations, wards and rooms in a resource, and in what it contains.

    >>> list(places_in({"resourceType": "Basic", "contained": [{"resourceType": "Location", "name": "Elm Ward"}]}))
    ['Elm Ward']
    """
    if resource.get("resourceType") in _PLACES:
        yield from (text for text in (text_of(one) for one in _own_names(resource)) if text)
    for inner in contained_in(resource):
        yield from places_in(inner)
    yield from _found_in({key: value for key, value in resource.items() if key != "contained"}).places


def _own_names(resource: Resource) -> Iterable[Any]:
    return (*listed(resource.get("name")), *listed(resource.get("alias")), *listed(resource.get("description")))


def _persons(found: _Found, role: Role | None, life: Mapping[str, str]) -> Iterator[Person]:
    """The person of a part, or of one that is nobody the people in it and its own numbers."""
    if role is not None:
        person = found.person(role, **life)
        if person != Person(role):
            yield person
    else:
        rest = found.person("patient")
        if rest.names or rest.addresses or rest.contacts or rest.others:
            yield Person("relative", rest.names, (), rest.addresses, rest.contacts, others=rest.others)
        if rest.identifiers:
            yield Person("patient", identifiers=rest.identifiers)
    yield from (Person(role, names=(Name(text=name),)) for role, name in dict.fromkeys(found.spoken))


def _found_in(node: Any) -> _Found:
    found = _Found()
    level: list[tuple[str, Any]] = [("", node)]
    while level:
        for key, one in level:
            if isinstance(one, dict):
                _look(key, one, found)
        level = [pair for key, one in level for pair in _inside(key, one)]
    return found


def _inside(key: str, node: Any) -> Iterator[tuple[str, Any]]:
    """Values under their keys; of a list under the list's key, without the extensions that hold codes."""
    if isinstance(node, dict):
        if key == "extension" and str(node.get("url")).endswith(_CODED_EXTENSIONS):
            return
        yield from node.items()
    elif isinstance(node, list):
        yield from ((key, one) for one in node)


def _look(key: str, node: Mapping[str, Any], found: _Found) -> None:
    """Put what this object is, by its shape, where it belongs."""
    if node.keys() & _NAME_KEYS or (key in ("name", "valueHumanName") and "text" in node):
        found.names.append(_name(node))
    if node.keys() & _ADDRESS_KEYS:
        found.addresses.append(_address(node))
    elif key in ("address", "valueAddress") and text_of(node.get("text")):
        found.addresses.append(Address((text_of(node["text"]),)))
    if text_of(node.get("value")) and text_of(node.get("system")) in _CONTACTS:
        found.contacts.append(text_of(node["value"]))
    elif text_of(node.get("value")):
        found.identifiers.append(_identifier(node))
    for name in sorted(_NUMBERS & node.keys()):
        found.identifiers += [Identifier(number) for number in map(text_of, listed(node[name])) if number]
    if "display" in node and "code" not in node:
        _displayed(key, node, found)
    if author := text_of(node.get("authorString")):
        found.spoken.append(("author", author))
    if key == "photo" or "contentType" in node:
        found.others += [text for name in ("title", "url") if (text := text_of(node.get(name)))]


def _displayed(key: str, node: Mapping[str, Any], found: _Found) -> None:
    """The text of a reference: a name or a place, by the type that it means, else by where it stands."""
    kind, shown = type_in(node), text_of(node.get("display"))
    if not shown:
        return
    if kind in _PLACES or (not kind and key in _PLACE_KEYS):
        found.places.append(shown)
    elif kind in _PERSONS or (not kind and key in _PERSON_KEYS):
        found.spoken.append((_ROLES.get(kind, "patient" if key in ("subject", "patient") else "practitioner"), shown))


def _name(node: Mapping[str, Any]) -> Name:
    given = tuple(text for one in listed(node.get("given")) if (text := text_of(one)))
    prefix, suffix = (" ".join(map(text_of, listed(node.get(name)))) for name in ("prefix", "suffix"))
    return Name(" ".join(map(text_of, listed(node.get("family")))), given, prefix, suffix, text_of(node.get("text")))


def _identifier(node: Mapping[str, Any]) -> Identifier:
    return Identifier(text_of(node["value"]), text_of(node.get("system")), code_of(node.get("type")).get("code", ""))


def _address(node: Mapping[str, Any]) -> Address:
    lines = tuple(text for one in (*listed(node.get("line")), node.get("text")) if (text := text_of(one)))
    parts = (text_of(node.get(name)) for name in ("city", "district", "state", "postalCode", "country"))
    return Address(lines, *parts)


def _life(resource: Resource) -> dict[str, str]:
    """Birth, death and sex; a date of birth may stand in an extension alone (`_birthDate`)."""
    hidden = resource.get("_birthDate")
    extended = (
        [text_of(one.get("valueDateTime")) for one in listed(hidden.get("extension")) if isinstance(one, dict)]
        if isinstance(hidden, dict)
        else []
    )
    born = text_of(resource.get("birthDate")) or next((day for day in extended if day), "")
    return {"born": born, "died": text_of(resource.get("deceasedDateTime")), "sex": label_of(resource.get("gender"))}


def _free_texts(resource: Resource) -> list[str]:
    """What profiles say of a person in text alone."""
    return [
        text
        for one in listed(resource.get("extension"))
        if isinstance(one, dict) and not str(one.get("url")).endswith((*_CODED_EXTENSIONS, "mothersMaidenName"))
        if (text := text_of(one.get("valueString")))
    ]


def _maiden_names(resource: Resource) -> Iterator[str]:
    for one in listed(resource.get("extension")):
        if (
            isinstance(one, dict)
            and str(one.get("url")).endswith("mothersMaidenName")
            and text_of(one.get("valueString"))
        ):
            yield text_of(one["valueString"])
