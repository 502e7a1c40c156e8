"""Windows of embeddings: what is let in is about something else than before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ccit.drift.two_samples import Distance, distance
from ccit.errors import InputError
from ccit.plugins import PluginSettings, plugin
from ccit.ports.drift import Accepted, Change, DetectorContext
from ccit.scoring.spaces import SAMPLE
from ccit.vectors import Vectors, decode_vector, encode_vector


class _State(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reference: list[str]
    newest: list[str]
    behind: int  # samples since the newest window began, those without a vector too


@plugin("detector")
class EmbeddingWindowsDetector:
    """Finds a change where a window of embeddings lies farther from the reference than chance allows.

    The first `window` accepted samples are the reference. Each further window is compared with it by the maximum mean
    discrepancy (`ccit/drift/two_samples.py`; Gretton et al. 2012, JMLR 13) with a permutation test; a change is found
    where its p-value is at most `alpha`, and that window is the reference from there on. So of windows in which nothing
    changes a share of `alpha` gives a false alarm, and a change that is great enough is found after less than 2
    `window` samples.

    Example
    -------
    >>> from ccit.records import Decision, Sample
    >>> detector = EmbeddingWindowsDetector(EmbeddingWindowsDetector.Settings(window=20), DetectorContext(seed=0))
    >>> rng = np.random.default_rng(0)
    >>> def said(centre):
    ...     sample = Sample("s", "r", "ward", "en", "Dose?", "5 mg.")
    ...     vector = rng.normal(centre, 1.0, 8).astype(np.float32)
    ...     return detector.observe(Accepted(Decision(sample, True, "accepted"), {"sample": vector}))
    >>> changes = [said(0.0) for _ in range(100)] + [said(1.0) for _ in range(20)]
    >>> [number for number, change in enumerate(changes, start=1) if change]
    [120]
    """

    class Settings(PluginSettings):
        """How large the windows are, and how sure it is to be."""

        kind: Literal["embedding_windows"] = "embedding_windows"
        window: int = Field(64, ge=10, le=128, description="accepted samples of a window")
        alpha: float = Field(0.0002, gt=0, lt=1, description="p-value of a change, at most")
        permutations: int = Field(
            4999, ge=99, le=50_000, description="random ways to deal two windows; a p-value is at least 1 / (these + 1)"
        )

        @model_validator(mode="after")
        def _can_find(self) -> Self:
            if (least := 1 / (self.permutations + 1)) > self.alpha:
                raise ValueError(
                    f"alpha ({self.alpha}) is below {least:.3g}, the least p of {self.permutations} permutations; "
                    "raise either"
                )
            return self

    def __init__(self, settings: Settings, context: DetectorContext) -> None:
        self._settings = settings
        self._seed = context.seed
        self._reference: list[str] = []
        self._newest: list[str] = []
        self._behind = 0

    def observe(self, accepted: Accepted) -> Change | None:
        """Fill the window; when it is full, compare it."""
        if self._newest:
            self._behind += 1
        vector = accepted.vectors.get(SAMPLE)
        if vector is None:
            return None
        filling = self._newest if len(self._reference) == self._settings.window else self._reference
        filling.append(encode_vector(vector))
        if len(self._newest) == 1:
            self._behind = 1
        if len(self._newest) < self._settings.window:
            return None
        found = self._compared()
        if found.p <= self._settings.alpha:
            self._reference = list(self._newest)
        self._newest.clear()
        if found.p > self._settings.alpha:
            return None
        return Change("embedding", found.by_chance, found.squared, self._behind)

    def snapshot(self) -> Mapping[str, Any]:
        """Both windows, in the form that events have, and how many samples the newest spans."""
        return {"reference": list(self._reference), "newest": list(self._newest), "behind": self._behind}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take them back. Raises `ValueError`."""
        try:
            found = _State.model_validate(state)
            _rows([*found.reference, *found.newest])
        except (ValidationError, InputError, ValueError) as error:
            raise ValueError(f"expected a reference, a newest window and its span, found {sorted(state)}") from error
        self._reference, self._newest = list(found.reference), list(found.newest)
        self._behind = found.behind

    def _compared(self) -> Distance:
        return distance(_rows(self._reference), _rows(self._newest), self._settings.permutations, self._seed)


def _rows(written: Sequence[str]) -> Vectors:
    rows: Vectors = np.stack([decode_vector(one) for one in written]) if written else np.zeros((0, 0), np.float32)
    return rows
