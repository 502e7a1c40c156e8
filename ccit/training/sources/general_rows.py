"""What the sources of a file of general data share: its rows, by id."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from ccit.plugins import PluginSettings
from ccit.ports.rounds import SourceContext
from ccit.records import Sample


class GeneralSettings(PluginSettings):
    """From where general data comes."""

    file: str = Field("", description="JSONL instruction rows of general data; empty is none")


class GeneralRows:
    """The rows of the file; a subclass picks among `known`."""

    def __init__(self, settings: GeneralSettings, context: SourceContext) -> None:
        rows = context.rows(settings.file) if settings.file else ()
        self.known = {sample.sample_id: sample for sample in rows}

    def texts(self, ids: Sequence[str], history: Sequence[Sample]) -> Sequence[Sample]:
        """The samples behind ids; `KeyError` where the file holds one no longer."""
        return [self.known[sample_id] for sample_id in ids]
