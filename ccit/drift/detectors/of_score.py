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
from ccit.selection.admission import RELEASED

_LEAST = 5  # values on each side of a change
_SCORERS = 4  # whose values are remembered: two versions while a proxy moves, each in two number formats


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


class _Fed(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    scorer: str
    values: list[float]
    numbers: list[int]  # of the samples that have these values

    @model_validator(mode="after")
    def _aligned(self) -> Self:
        if len(self.values) != len(self.numbers):
            raise ValueError(f"expected a number for each of {len(self.values)} values, found {len(self.numbers)}")
        return self


class _State(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seen: int
    fed: list[_Fed]  # the one that gave the newest value last


class _Course:
    """A detector with the values of one scorer that it was fed with, and the numbers of their samples."""

    def __init__(self, detector: OnlineDetector, baseline: int) -> None:
        self._detector = detector
        self._baseline = baseline
        self._unit = (0.0, 1.0)
        self.values: list[float] = []
        self.numbers: list[int] = []

    def feed(self, value: float, number: int) -> bool:
        """Whether it says that something has changed."""
        self.values.append(value)
        self.numbers.append(number)
        if len(self.values) == self._baseline:
            spread = float(np.std(self.values))
            self._unit = float(np.mean(self.values)), spread if spread > 0 else 1.0
        if len(self.values) <= self._baseline:
            return False
        mean, spread = self._unit
        self._detector.update((value - mean) / spread)
        return self._detector.drift_detected


class OfScore(ABC):
    """Feeds a detector with the values of one score, as z = (value - mean) / spread of the first `baseline` of them.

    The state is what the detector was fed with: it is a function of that, so a new one that is fed alike is in the same
    state, whatever it keeps inside and whichever version of the library keeps it. What it is fed is bounded: after
    `memory` values it begins anew with the newer half.

    Values of another model version or number format do not compare, so each stamp of a score has a detector of its own;
    those of the 4 stamps that were met last are kept. A change that one finds is forgotten by all, or each would find
    it again. A sample without the score says nothing, nor does one that a person has released from quarantine: its
    score is as old as its refusal. Both count as samples that lie behind a change.
    """

    def __init__(self, settings: ScoreSettings) -> None:
        self._metric = settings.metric
        self._baseline = settings.baseline
        self._memory = settings.memory
        self._seen = 0
        self._courses: dict[str, _Course] = {}  # by scorer; the one that gave the newest value last

    @abstractmethod
    def _fresh(self) -> OnlineDetector:
        """A detector that knows nothing."""

    def _since(self, values: Sequence[float]) -> int:
        """How many of the newest values lie behind the change that was found."""
        return len(values) - change_point(values, _LEAST)

    def observe(self, accepted: Accepted) -> Change | None:
        """Feed the detector of its scorer with the sample's score."""
        self._seen += 1
        decision = accepted.decision
        score = next((score for score in decision.scores if score.metric == self._metric), None)
        if score is None or score.value is None or RELEASED in decision.annotations:
            return None
        course = self._course_of(score.scorer)
        return self._changed(course) if course.feed(score.value, self._seen) else None

    def snapshot(self) -> Mapping[str, Any]:
        """How many samples it has seen, and by scorer what it was fed with since it began."""
        fed = [
            {"scorer": scorer, "values": list(course.values), "numbers": list(course.numbers)}
            for scorer, course in self._courses.items()
        ]
        return {"seen": self._seen, "fed": fed}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Feed it again. Raises `ValueError`."""
        try:
            found = _State.model_validate(state)
        except ValidationError as error:
            raise ValueError(f"expected samples seen and what each scorer gave, found {sorted(state)}") from error
        self._seen = found.seen
        self._courses = {own.scorer: self._begun(own.values, own.numbers) for own in found.fed}

    def _course_of(self, scorer: str) -> _Course:
        """The scorer's own, with room for a value; from now on the last to be forgotten."""
        course = self._courses.pop(scorer, None) or self._begun()
        if len(course.values) >= self._memory:
            newer = slice(-(self._memory // 2), None)
            course = self._begun(course.values[newer], course.numbers[newer])
        self._courses[scorer] = course
        if len(self._courses) > _SCORERS:
            del self._courses[next(iter(self._courses))]
        return course

    def _begun(self, values: Sequence[float] = (), numbers: Sequence[int] = ()) -> _Course:
        course = _Course(self._fresh(), self._baseline)
        for value, number in zip(values, numbers, strict=True):
            course.feed(value, number)
        return course

    def _changed(self, course: _Course) -> Change:
        behind = self._since(course.values)
        before, after = float(np.mean(course.values[:-behind])), float(np.mean(course.values[-behind:]))
        self._courses.clear()
        return Change(self._metric, before, after, since=self._seen - course.numbers[-behind] + 1)
