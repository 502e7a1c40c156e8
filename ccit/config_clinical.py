"""The settings of the hospital's door: clinical documents as they come, and what takes identities out of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ccit.config_section import Section
from ccit.plugin_tables import EachOf
from ccit.plugins import PluginSettings

_RECOGNISERS = EachOf(
    "recogniser",
    (
        *("ages", "dates", "known_names", "known_numbers", "known_places", "labelled_numbers", "long_numbers"),
        *("national_numbers", "online", "payment", "phones", "street_addresses", "titled_names"),
    ),
)
_CLINICAL_READERS = EachOf("clinical_reader", ("fhir", "hl7v2"))


class Deidentify(Section):
    """What takes identities out of clinical documents, between the topics `clinical` and `raw`."""

    mode: Literal["safe_harbor", "shifted"] = Field(
        "safe_harbor",
        description="`safe_harbor` masks the 18 classes of 45 CFR 164.514(b)(2); `shifted` keeps the distances between "
        "a patient's dates and writes keyed pseudonyms, which an expert must find acceptable (b)(1)",
    )
    recognisers: Annotated[Mapping[str, PluginSettings], _RECOGNISERS] = Field(
        default_factory=_RECOGNISERS.default, description="what finds identifiers; what any of them finds is masked"
    )
    regions: list[Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]] = Field(
        ["US", "GB", "DE", "FR", "CN"],
        min_length=1,
        description="countries (ISO 3166) whose telephone numbers are expected, home first",
    )
    day_first: bool = Field(False, description="reads 4/5/2019 as the 4th of May")
    key_file: str = Field(
        "",
        description="file of 32 random bytes or more, from which `shifted` derives pseudonyms and offsets; whoever has "
        "it can undo them, so it stays with the hospital",
    )
    table_file: str = Field(
        "",
        description="file (SQLite) in which `safe_harbor` keeps which random number stands for which subject and "
        "document; whoever has it can undo them, so it stays with the hospital; empty forgets them at the end",
    )


class Clinical(Section):
    """HL7 v2 and FHIR as they come, identified: what `ccit.clinical` may hold and who reads it."""

    readers: Annotated[Mapping[str, PluginSettings], _CLINICAL_READERS] = Field(
        default_factory=_CLINICAL_READERS.default,
        description="what finds documents in messages: the first that accepts",
    )
    max_bytes: int = Field(
        8_000_000, ge=1024, le=10_000_000, description="largest message, bytes; a larger one is refused"
    )
