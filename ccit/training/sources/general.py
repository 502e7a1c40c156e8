"""General data from a file, so that the model stays able to talk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from ccit.plugins import plugin
from ccit.ports.rounds import Draft, SourceContext
from ccit.records import Sample
from ccit.training.mixture import pick
from ccit.training.sources.general_rows import GeneralRows, GeneralSettings


@plugin("source")
class GeneralSource(GeneralRows):
    """Instruction rows of a file of general data; where it has fewer than wanted, all of them serve equally often.

    Lin et al. 2025, arXiv 2503.15924, mix 1:1. Each round draws anew.

    Example
    -------
    >>> rows = [Sample(f"g{i}", f"r{i}", "general", "en", "Capital of Peru?", "Lima.") for i in range(10)]
    >>> settings = GeneralSource.Settings(file="general.jsonl", ratio=0.5)
    >>> source = GeneralSource(settings, SourceContext(seed=0, rows=lambda path: rows))
    >>> len(source.pick(Draft(training=rows[:4], history=[], salt="round 1")))
    2
    """

    class Settings(GeneralSettings):
        """How much general data, and from where."""

        kind: Literal["general"] = "general"
        ratio: float = Field(1.0, ge=0, description="general samples per new one (paper: 1:1)")

    def __init__(self, settings: Settings, context: SourceContext) -> None:
        super().__init__(settings, context)
        self._ratio = settings.ratio
        self._seed = context.seed

    def pick(self, draft: Draft) -> Sequence[Sample]:
        """Draw from the file."""
        wanted = round(len(draft.training) * self._ratio)
        return self.texts(pick(list(self.known), wanted, self._seed, draft.salt), draft.history)
