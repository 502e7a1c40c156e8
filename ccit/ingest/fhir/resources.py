"""The resources of a FHIR message, and what a reference in it means.

A message is one resource, a Bundle of any type, a list of resources, or one resource per line (NDJSON). Nothing is
fetched: a reference means what the message itself holds, or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from ccit.bounds import ALWAYS_AFFORDABLE_BYTES, require_affordable
from ccit.errors import InputError
from ccit.ingest.strict import BYTE_ORDER_MARK, parse_strict

Resource = Mapping[str, Any]

_LITERAL = re.compile(r"(?:^|/)([A-Z][A-Za-z]+/[A-Za-z0-9.\-]{1,64})(?:/_history/[^/]*)?$")
_CONDITIONAL = re.compile(r"^([A-Z][A-Za-z]+)\?identifier=(.+)$")


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource of a message.

    Parameters
    ----------
    full_url : str
        The URL that its Bundle gives it.
    deletes : str
        `Type/id` of what a Bundle takes back; there is no resource then.
    context : bool
        It stands in the message for what others refer to, and is no document itself. `export.py` writes such messages:
        entries of a collection with the search mode `include`, which nobody else may write (FHIR R4, rule bdl-2).
    """

    resource: Resource = field(repr=False)
    full_url: str = field(default="", repr=False)
    deletes: str = field(default="", repr=False)
    context: bool = False


class ResourceSet:
    """The resources of one message, findable by what references say.

    >>> message = ResourceSet(entries_in(b'{"resourceType": "Patient", "id": "7", "gender": "male"}'))
    >>> message.resolve({"reference": "https://ward.example/fhir/Patient/7/_history/2"}, {})["gender"]
    'male'
    """

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self._by_name: dict[str, Resource] = {}
        for entry in entries:
            for name in names_of(entry):
                self._by_name.setdefault(name, entry.resource)

    def resolve(self, reference: Any, holder: Resource) -> Resource | None:
        """What a Reference (or its bare text) within `holder` means; None for what is not in the message.

        Parameters
        ----------
        holder : Resource
            The resource of the message in which the reference stands: `#x` is one of its contained resources.
        """
        for name in targets_of(reference):
            if name.startswith("#"):
                found = next((inner for inner in contained_in(holder) if f"#{inner.get('id')}" == name), None)
                return holder if name == "#" else found
            if name in self._by_name:
                return self._by_name[name]
        return None


def entries_in(value: bytes, affordable: int = ALWAYS_AFFORDABLE_BYTES) -> list[Entry]:
    """The resources of a message, in order, those of Bundles one by one.

    Parameters
    ----------
    affordable : int
        Bytes in memory that its values may need whatever its size: small resources need ten times their size.

    Raises
    ------
    InputError
        `empty`, `not_json`, `too_large` (more values than memory is good for), `wrong_schema`: no FHIR in it;
        `unsupported_type`: XML.

    >>> entry = b'{"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Basic"}}'
    >>> bundle = b'{"resourceType": "Bundle", "entry": [' + entry + b"]}"
    >>> [(entry.resource["resourceType"], entry.full_url) for entry in entries_in(bundle)]
    [('Basic', 'urn:uuid:1')]
    """
    bare = value.removeprefix(BYTE_ORDER_MARK).strip()
    if bare.startswith(b"<"):
        raise InputError("unsupported_type", "expected FHIR in JSON, found XML or HTML; ask the sender for JSON")
    found: list[Entry] = []
    for read in _values(bare, affordable):
        if not isinstance(read, dict) or not _type(read):
            raise InputError("wrong_schema", "expected FHIR resources (JSON objects with `resourceType`), found others")
        found += _unpacked(read, "")
    return found


def lines_in(value: bytes) -> list[bytes] | None:
    """The lines of NDJSON that are not blank; None for one JSON value, which may be written over many lines."""
    lines = [line for line in value.splitlines() if line.strip()]
    return lines if len(lines) > 1 and _is_json(lines[0]) else None


def names_of(entry: Entry) -> Iterator[str]:
    """All under which references may ask for a resource: its URL, `Type/id`, each identifier as `Type?system|value`."""
    if entry.full_url:
        yield entry.full_url
    resource = entry.resource
    kind, own = _type(resource), resource.get("id")
    if kind and isinstance(own, str) and own:
        yield f"{kind}/{own}"
    for identifier in _listed(resource.get("identifier")):
        if isinstance(identifier, dict) and identifier.get("value"):
            yield f"{kind}?{identifier.get('system') or ''}|{identifier['value']}"


def targets_of(reference: Any) -> Iterator[str]:
    """The names that a reference asks for, as `names_of` gives them; `#x` for a contained resource.

    >>> list(targets_of({"reference": "Practitioner?identifier=urn:npi|17"}))
    ['Practitioner?identifier=urn:npi|17', 'Practitioner?urn:npi|17']
    """
    if isinstance(reference, str):
        reference = {"reference": reference}
    if not isinstance(reference, dict):
        return
    said = reference.get("reference")
    if isinstance(said, str) and said:
        yield said
        if literal := _LITERAL.search(said):
            yield literal[1]
        if conditional := _CONDITIONAL.match(said):
            yield f"{conditional[1]}?{conditional[2]}"
    identifier, kind = reference.get("identifier"), reference.get("type")
    if isinstance(identifier, dict) and isinstance(kind, str) and identifier.get("value"):
        yield f"{kind}?{identifier.get('system') or ''}|{identifier['value']}"


def references_in(node: Any) -> Iterator[Any]:
    """All references inside a resource, those of its contained resources too."""
    level = [node]
    while level:
        yield from (one for one in level if isinstance(one, dict) and isinstance(one.get("reference"), str))
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]


def type_in(reference: Any) -> str:
    """The type of resource that a reference says it means; empty where it does not say."""
    if not isinstance(reference, dict):
        return ""
    if isinstance(reference.get("type"), str):
        return str(reference["type"]).rpartition("/")[2]
    literal = next((name for name in targets_of(reference) if _LITERAL.match(name) or _CONDITIONAL.match(name)), "")
    return re.split(r"[/?]", literal)[0]


def contained_in(resource: Resource) -> list[Resource]:
    """Its contained resources."""
    return [inner for inner in _listed(resource.get("contained")) if isinstance(inner, dict)]


def _values(bare: bytes, affordable: int) -> list[Any]:
    lines = lines_in(bare)
    if lines is None:
        read = parse_strict(bare, affordable=affordable)
        return read if isinstance(read, list) else [read]
    require_affordable(bare, affordable)
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(parse_strict(line))
        except InputError as error:
            raise InputError(error.reason, f"line {number}: {error.detail}") from error
    return found


def _unpacked(resource: Resource, full_url: str) -> Iterator[Entry]:
    """A Bundle's entries, Parameters' resources, else the resource itself; what in them is none is passed over."""
    kind = _type(resource)
    if kind == "Bundle":
        for entry in _listed(resource.get("entry")):
            yield from _of_entry(entry, resource.get("type") == "collection") if isinstance(entry, dict) else ()
    elif kind == "Parameters":
        for parameter in _listed(resource.get("parameter")):
            inner = parameter.get("resource") if isinstance(parameter, dict) else None
            yield from _unpacked(inner, "") if isinstance(inner, dict) else ()
    elif kind:
        yield Entry(resource, full_url)


def _of_entry(entry: Mapping[str, Any], in_collection: bool) -> Iterator[Entry]:
    resource, url, request = entry.get("resource"), entry.get("fullUrl"), entry.get("request")
    if isinstance(resource, dict):
        found = _unpacked(resource, url if isinstance(url, str) else "")
        search = entry.get("search")
        if in_collection and isinstance(search, dict) and search.get("mode") == "include":
            found = (replace(one, context=True) for one in found)
        yield from found
    elif isinstance(request, dict) and request.get("method") == "DELETE":
        name = next((name for name in targets_of(request.get("url")) if _LITERAL.fullmatch(name)), "")
        if name and not name.startswith("/"):
            yield Entry({}, deletes=name)


def _type(resource: Resource) -> str:
    found = resource.get("resourceType")
    return found if isinstance(found, str) else ""


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line.removeprefix(BYTE_ORDER_MARK)), dict)
    except orjson.JSONDecodeError:
        return False
