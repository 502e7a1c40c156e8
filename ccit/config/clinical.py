"""The settings of the hospital's door: clinical documents as they come, and what takes identities out of them."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from ccit.config.section import Section
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


class Mllp(Section):
    """`ccit mllp`: HL7 v2 over MLLP, into `ccit.clinical`."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(2575, ge=0, le=65535, description="port; 0 takes a free one")
    allow: list[str] = Field(
        ["127.0.0.1", "::1"],
        min_length=1,
        description="addresses and networks (`10.1.0.0/16`) that may connect; any other is turned away",
    )
    certificate: str = Field("", description="file (PEM) of the certificate chain; empty listens without TLS")
    key: str = Field("", description="file (PEM) of its private key; empty where the certificate's file holds it")
    client_ca: str = Field(
        "",
        description="file (PEM) of the authorities whose certificates senders must show (mutual TLS); empty asks none",
    )
    max_connections: int = Field(
        256,
        ge=1,
        description="connections at a time; each may hold one message that has not ended (`clinical.max_bytes`)",
    )
    in_flight: int = Field(
        64, ge=1, description="messages of one connection that may wait for Kafka at a time; then it is read no further"
    )
    frame_seconds: float = Field(
        60, gt=0, description="how long a message may take from its first byte to its last, seconds; then it is refused"
    )

    @field_validator("allow")
    @classmethod
    def _networks(cls, allow: list[str]) -> list[str]:
        for one in allow:
            try:
                ip_network(one, strict=False)
            except ValueError:
                raise ValueError("expected addresses and networks such as 10.1.2.3 or 10.1.0.0/16") from None
        return allow

    @model_validator(mode="after")
    def _whole(self) -> Mllp:
        if (self.key or self.client_ca) and not self.certificate:
            raise ValueError("expected mllp.certificate beside mllp.key and mllp.client_ca, found none")
        return self
