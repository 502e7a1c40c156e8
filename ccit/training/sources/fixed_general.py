"""The same general samples in every round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from ccit.plugins import plugin
from ccit.ports.rounds import Draft, SourceContext
from ccit.records import Sample
from ccit.training.mixture import hash_order
from ccit.training.sources.general_rows import GeneralRows, GeneralSettings


@plugin("source")
class FixedGeneral(GeneralRows):
    """A small fixed set of rows of a file of general data, replayed in every round.

    GeRe (Zhang et al. 2025, arXiv 2508.04676): a fixed set of general texts, chosen once and small, keeps both general
    ability and earlier tasks; its loss on the activations is left out. Unlike `general`, which draws anew, all rounds
    see the same `count` rows, or all where the file has no more; another `rounds.seed` or file gives others.

    Example
    -------
    >>> rows = [Sample(f"g{i}", f"r{i}", "general", "en", "Capital of Peru?", "Lima.") for i in range(10)]
    >>> settings = FixedGeneral.Settings(file="general.jsonl", count=3)
    >>> source = FixedGeneral(settings, SourceContext(seed=0, rows=lambda path: rows))
    >>> rounds = [source.pick(Draft(training=rows[:4], history=[], salt=f"round {n}")) for n in range(2)]
    >>> len(rounds[0]), rounds[0] == rounds[1]
    (3, True)
    """

    class Settings(GeneralSettings):
        """How many rows, and from where."""

        kind: Literal["fixed_general"] = "fixed_general"
        count: int = Field(200, ge=0, description="rows that every round is trained on (paper: 1,000)")

    def __init__(self, settings: Settings, context: SourceContext) -> None:
        super().__init__(settings, context)
        self._chosen = hash_order(self.known, context.seed, "fixed general")[: settings.count]

    def pick(self, draft: Draft) -> Sequence[Sample]:
        """All of them, where there is anything to learn beside them."""
        return self.texts(self._chosen, draft.history) if draft.training else []
