"""The settings of what comes in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from ccit.config.section import Section
from ccit.plugin_tables import EachOf
from ccit.plugins import PluginSettings

_READERS = EachOf("reader", ("cloud_events", "rows"))


class Ingest(Section):
    """What may become a record."""

    readers: Annotated[Mapping[str, PluginSettings], _READERS] = Field(
        default_factory=_READERS.default, description="what reads messages: the first that accepts one"
    )
    max_bytes: int = Field(1_000_000, ge=1024, description="largest message, bytes; a larger one is a dead letter")
