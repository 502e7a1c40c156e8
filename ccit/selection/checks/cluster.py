"""What is it about, by number? For policies that look after the balance of topics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.selection import CheckContext, Reasons, Refuses
from ccit.records import Sample, Score
from ccit.scoring.spaces import QUESTION, SPACES
from ccit.selection.checks.abstaining import refused_without_value, scored_where_known


@plugin("check")
class ClusterCheck:
    """Gives questions about alike things one number, and refuses none: what the policy `clusters` counts.

    The number is that of the nearest among `clusters` fixed directions, half of them random and half their opposites: a
    cross-polytope hash (Andoni et al. 2015, arXiv 1509.02897). Nothing is learned from the stream, so that every scorer
    gives the same number at any time, and it can be read from the log. In a language that the embedder does not know
    there is no number.

    Example
    -------
    >>> from ccit.testing import check_context
    >>> check = ClusterCheck(ClusterCheck.Settings(clusters=8), check_context())
    >>> ask = [Sample("s", "r", "ward", "en", text, "Yes.") for text in ("aaab?", "aaaab?", "zzzy?")]
    >>> first, near, far = (score.value for (score,) in check.score(ask))
    >>> first == near != far
    True
    """

    metric: ClassVar[str] = "cluster"
    cost: ClassVar[float] = 16.0
    refuses: ClassVar[Refuses] = ""
    reasons: ClassVar[Reasons] = {}

    class Settings(PluginSettings):
        """How many."""

        kind: Literal["cluster"] = "cluster"
        clusters: int = Field(64, ge=2, le=4096, multiple_of=2, description="numbers that are given, at most")

    def __init__(self, settings: Settings, context: CheckContext) -> None:
        self._embedder = context.embedder
        self._languages = context.languages
        shape = (context.embedder.dimension, settings.clusters // 2)
        drawn = np.random.default_rng(context.seed).standard_normal(shape)
        self._directions = drawn / np.linalg.norm(drawn, axis=0)
        self._stamp = f"cluster.v1 {settings.clusters} seed={context.seed} {context.embedder.stamp}"

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """One `cluster` per sample: a whole number from 0 on."""
        return scored_where_known(samples, self._languages, self._scored, self._unscored)

    def refuse(self, score: Score) -> str | None:
        """Nothing that has a number, and nothing in a language that the embedder does not know."""
        return refused_without_value(score) if score.value is None else None

    def _scored(self, samples: Sequence[Sample]) -> list[Score]:
        along = self._embedder.embed([SPACES[QUESTION](sample) for sample in samples]) @ self._directions
        nearest = np.argmax(np.hstack([along, -along]), axis=1)
        return [Score("cluster", float(number), self._stamp) for number in nearest]

    def _unscored(self, why: str) -> Score:
        return Score("cluster", None, self._stamp, unscored=why)
