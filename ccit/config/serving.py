"""The settings of the HTTP server."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from ccit.config.section import Section
from ccit.plugin_tables import OneOf
from ccit.plugins import PluginSettings

_BACKEND = OneOf("backend", "embedded")
_ORIGIN = re.compile(r"\*|https?://[A-Za-z0-9.\[\]:-]+")


class Serving(Section):
    """The HTTP server."""

    host: str = Field("127.0.0.1", description="address to listen on")
    backend: Annotated[PluginSettings, _BACKEND] = Field(
        default_factory=_BACKEND.default, description="what runs the versions"
    )
    port: int = Field(8000, ge=0, le=65535, description="port; 0 takes a free one")
    token: str = Field("", description="bearer token that clients must send; empty asks for none")
    tokens_file: Path | None = Field(
        None, description="file of more tokens, `NAME TOKEN` to a line; read again when it changes, without a restart"
    )
    requests_per_minute: int = Field(0, ge=0, description="cap on the requests of one token; 0 is none")
    max_new_tokens: int = Field(512, ge=1, description="cap on a request's `max_tokens`")
    concurrency: int = Field(32, ge=1, description="requests that generate at the same time, in one batch")
    queue: int = Field(64, ge=0, description="requests that may wait for their turn; one more gets 503")
    queue_seconds: float = Field(60, gt=0, description="how long a request may wait for its turn; then it gets 503")
    answer_seconds: float = Field(600, gt=0, description="how long an answer may take; then it is ended with 504")
    client_seconds: float = Field(
        30,
        gt=0,
        description="how long a client may take to send a request's head or the next piece of its body, or to take one "
        "of an answer",
    )
    drain_seconds: float = Field(30, ge=0, description="how long a shutdown waits for requests in flight")
    tls_certificate: Path | None = Field(
        None, description="PEM file of the certificate and its chain; none: plain HTTP"
    )
    tls_key: Path | None = Field(None, description="PEM file of its key")
    cors_origins: list[str] = Field(
        [], description="web pages that may ask from a browser, such as `https://ward.example`; `*` is all of them"
    )
    admin: list[Annotated[str, StringConstraints(min_length=1)]] = Field(
        [], description="names of tokens that may pin and roll back over `/admin/`; none: the paths are not there"
    )
    admin_log: Path | None = Field(
        None,
        description="file to which a line of JSON is appended when such a thing is asked, and one with the outcome",
    )
    template_date: date | Literal["", "today"] = Field(
        "", description="what such a template is told when serving: a date, or `today`; empty: models.template_date"
    )

    @field_validator("token")
    @classmethod
    def _visible(cls, token: str) -> str:
        if not all("!" <= character <= "~" for character in token):
            raise ValueError("expected visible ASCII characters without spaces: an HTTP header carries no others")
        return token

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, origins: list[str]) -> list[str]:
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"expected scheme and host without a path, such as https://ward.example, found {origin}"
                )
        return origins

    @model_validator(mode="after")
    def _audited(self) -> Self:
        if self.admin and self.admin_log is None:
            raise ValueError("expected admin_log beside admin: what is steered is written down")
        return self

    @model_validator(mode="after")
    def _both_of_tls(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("expected tls_certificate and tls_key together, or neither")
        return self
