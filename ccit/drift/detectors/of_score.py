"""What detectors of one score share: its unit, its state, and where it begins anew."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ccit.drift.change_point import change_point
from ccit.plugins import PluginSettings
from ccit.ports.drift import Accepted, Change

_LEAST = 5  # values on each side of a change


class ScoreSettings(PluginSettings):
    """Which score, in which unit, and how much of it is remembered."""

    metric: str = Field("ifd", description="the score that is followed; a check that gives it must be on")
    baseline: int = Field(
        50, ge=10, description="first values, whose mean and spread are the zero and the unit of those that follow"
    )
    memory: int = Field(
        2000, ge=100, description="values after which a detector begins anew, from the newer half of them"
    )

    @property
    def needed(self) -> int:
        """Values after the baseline without which nothing is ever found."""
        return 1

    @model_validator(mode="after")
    def _can_find(self) -> Self:
        if self.baseline + self.needed > self.memory:
            raise ValueError(
                f"memory ({self.memory}) is below baseline ({self.baseline}) and the {self.needed} values after it "
                "without which nothing is ever found; raise memory or lower baseline"
            )
        return self


class OnlineDetector(Protocol):
    """A detector of `river.drift`, as far as it is used."""

    @property
    def drift_detected(self) -> bool:
        """Whether the last value made it say so."""

    def update(self, x: float) -> None:
        """Take in a value."""


class _State(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    scorer: str
    values: list[float]


class OfScore(ABC):
    """Feeds a detector with the values of one score, as z = (value - mean) / spread of the first `baseline` of them.

    The state is what the detector was fed with: it is a function of that, so a new one that is fed alike is in the same
    state, whatever it keeps inside and whichever version of the library keeps it. What it is fed is bounded: after
    `memory` values it begins anew with the newer half. It also begins anew where the score's stamp changes: values of
    another model version do not compare. A sample without the score says nothing.
    """

    def __init__(self, settings: ScoreSettings) -> None:
        self._metric = settings.metric
        self._baseline = settings.baseline
        self._memory = settings.memory
        self._begin("")

    @abstractmethod
    def _fresh(self) -> OnlineDetector:
        """A detector that knows nothing."""

    def _since(self, values: Sequence[float]) -> int:
        """How many of the newest values lie behind the change that was found."""
        return len(values) - change_point(values, _LEAST)

    def observe(self, accepted: Accepted) -> Change | None:
        """Feed it with the sample's score."""
        score = next((score for score in accepted.decision.scores if score.metric == self._metric), None)
        if score is None or score.value is None:
            return None
        if score.scorer != self._scorer:
            self._begin(score.scorer)
        elif len(self._values) >= self._memory:
            self._begin(score.scorer, self._values[-(self._memory // 2) :])
        return self._changed() if self._feed(score.value) else None

    def snapshot(self) -> Mapping[str, Any]:
        """What it was fed with since it began, and by which scorer."""
        return {"scorer": self._scorer, "values": list(self._values)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Feed it again. Raises `ValueError`."""
        try:
            found = _State.model_validate(state)
        except ValidationError as error:
            raise ValueError(f"expected a scorer and the values it gave, found {sorted(state)}") from error
        self._begin(found.scorer, found.values)

    def _begin(self, scorer: str, values: Sequence[float] = ()) -> None:
        self._scorer = scorer
        self._values: list[float] = []
        self._unit = (0.0, 1.0)
        self._detector = self._fresh()
        for value in values:
            self._feed(value)

    def _feed(self, value: float) -> bool:
        """Whether it says that something has changed."""
        self._values.append(value)
        if len(self._values) == self._baseline:
            spread = float(np.std(self._values))
            self._unit = float(np.mean(self._values)), spread if spread > 0 else 1.0
        if len(self._values) <= self._baseline:
            return False
        mean, spread = self._unit
        self._detector.update((value - mean) / spread)
        return self._detector.drift_detected

    def _changed(self) -> Change:
        values, since = self._values, self._since(self._values)
        before, after = float(np.mean(values[:-since])), float(np.mean(values[-since:]))
        self._begin(self._scorer)
        return Change(self._metric, before, after, since)
