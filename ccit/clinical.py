"""A clinical document as read from HL7 v2 or FHIR: identified, and never written to any topic but `ccit.clinical`.

Readers (`ccit/ports/clinical.py`) make it, de-identification uses it up. What the record itself says of people is the
deny-list of its texts, so every name, number, date and address that a message holds comes along, as it was written.

Nothing of a patient is in a `repr`: a document that slips into a log line or a traceback shows where it came from by
digests and numbers alone. The standard library alone is used here, as in `ccit/records/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["patient", "relative", "insured", "author", "practitioner"]

Status = Literal["preliminary", "final", "amended", "withdrawn", "unknown"]
"""`amended` replaces what had the same `document_id`; `withdrawn` takes it back (OBX-11 D/W, MDM T11, FHIR
entered-in-error). `unknown`: the sender does not say; read as `final`."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name of a person in its parts, or whole where the sender gives no parts; empty where there is none."""

    family: str = field(default="", repr=False)
    given: tuple[str, ...] = field(default=(), repr=False)
    prefix: str = field(default="", repr=False)
    suffix: str = field(default="", repr=False)
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number that stands for somebody: a medical record number, a social security number, an account.

    Parameters
    ----------
    system : str
        Who gives it: an HL7 assigning authority, a FHIR `system`.
    kind : str
        Of HL7 table 0203 where the sender says it (`MR`, `SS`, `DL`, ...).
    """

    value: str = field(repr=False)
    system: str = field(default="", repr=False)
    kind: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """An address in its parts; `lines` hold streets and houses."""

    lines: tuple[str, ...] = field(default=(), repr=False)
    city: str = field(default="", repr=False)
    district: str = field(default="", repr=False)
    state: str = field(default="", repr=False)
    postal_code: str = field(default="", repr=False)
    country: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Person:
    """What a record says of one person.

    Parameters
    ----------
    contacts : tuple[str, ...]
        Telephone and fax numbers, mail addresses, URLs, as they were written.
    born, died : str
        As they were written (`19620214`, `1962-02-14`, `1962`); empty for unknown.
    others : tuple[str, ...]
        What else names or places the person: birth place, employer, mother's maiden name, a file name of a picture.
    """

    role: Role
    names: tuple[Name, ...] = field(default=(), repr=False)
    identifiers: tuple[Identifier, ...] = field(default=(), repr=False)
    addresses: tuple[Address, ...] = field(default=(), repr=False)
    contacts: tuple[str, ...] = field(default=(), repr=False)
    born: str = field(default="", repr=False)
    died: str = field(default="", repr=False)
    sex: str = field(default="", repr=False)
    others: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a document came from.

    Parameters
    ----------
    form : str
        `hl7v2`, `fhir`, or `other` for readers of other packages.
    kind : str
        Type of the message or resource, `ORU^R01`, `DocumentReference`: of a closed list, for it is counted and shown,
        and a sender may write a name where a type belongs.
    message_id : str
        MSH-10, or the resource's type and id.
    message_digest : str
        SHA-256 (hex) of the message's bytes.
    sender : str
        MSH-3 and MSH-4 (`LAB|NORTH`); for FHIR `meta.source`, if any.
    part : int
        Number of the document within its message, from 0.
    """

    form: Literal["hl7v2", "fhir", "other"]
    kind: str
    message_id: str = field(repr=False)
    message_digest: str
    sender: str = field(default="", repr=False)
    part: int = 0


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was noticed while reading and does no harm: a fallback of the charset, a URL that was not fetched.

    `detail` is one sentence that never quotes the record.
    """

    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class ClinicalDocument:
    """One text about one patient, or one structured fact, with all that its message says of people.

    Parameters
    ----------
    document_id : str
        Names the document through all its revisions: a later one with the same id and sender replaces this one. It is
        the sender's own number where there is one (TXA-12, OBR-3, a FHIR id), and may identify somebody.
    subject : str
        The patient as the sender numbers him, with the authority (`12345|H`, `Patient/7`); empty where none is named.
    title, text : str
        The text in plain Unicode with `\\n` at line ends; empty for a purely structured fact.
    kind : str
        What sort of text it is, in the sender's words or codes (`Radiology report`, `34133-9`).
    language : str
        BCP 47 where the sender says it, else empty.
    written : str
        Date or time of the document as it was written; empty for unknown.
    dates : Mapping[str, str]
        Further dates of the record by name (`admitted`, `collected`), as they were written.
    places : tuple[str, ...]
        Names of facilities, wards, rooms, organisations.
    fields : Mapping[str, Any]
        Codes, values and units as JSON values. Any text in it may identify somebody, as in `text`.
    replaces : tuple[str, ...]
        Further `document_id`s that this one takes the place of (MDM T10, FHIR `relatesTo`).
    people : tuple[Person, ...]
        The patient first, if known.
    """

    document_id: str = field(repr=False)
    origin: Origin
    subject: str = field(default="", repr=False)
    title: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    kind: str = field(default="", repr=False)
    language: str = field(default="", repr=False)
    status: Status = "unknown"
    written: str = field(default="", repr=False)
    dates: Mapping[str, str] = field(default_factory=dict, repr=False)
    places: tuple[str, ...] = field(default=(), repr=False)
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)
    replaces: tuple[str, ...] = field(default=(), repr=False)
    people: tuple[Person, ...] = ()
    notes: tuple[Note, ...] = ()
