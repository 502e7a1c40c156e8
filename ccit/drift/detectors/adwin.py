"""Adaptive windows: the mean of a score differs between two parts of its window."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ccit.drift.detectors.of_score import OfScore, OnlineDetector, ScoreSettings
from ccit.plugins import plugin
from ccit.ports.drift import DetectorContext


@plugin("detector")
class AdwinDetector(OfScore):
    """Finds a change where two parts of a growing window have means that differ by more than chance.

    ADWIN2 (Bifet and Gavalda 2007, Learning from time-changing data with adaptive windowing, doi
    10.1137/1.9781611972771.42), as `river.drift.ADWIN` has it. For parts of n0 and n1 values of a window with variance
    s^2 and n values, with m = 1 / (1/n0 + 1/n1) and d = ln(2 ln(n) / delta), a change is found where

        |mean0 - mean1| > sqrt(2 s^2 d / m) + 2 d / (3 m)

    A gentle change is found late, a great one early; nobody has to say how great.

    Example
    -------
    >>> from ccit.testing import accepted_with
    >>> detector = AdwinDetector(AdwinDetector.Settings(baseline=10), DetectorContext(seed=0))
    >>> values = [0.65, 0.75] * 100 + [0.9] * 100
    >>> changes = [detector.observe(accepted_with(value)) for value in values]
    >>> [round(change.after, 2) for change in changes if change]
    [0.9]
    """

    class Settings(ScoreSettings):
        """How sure it is to be."""

        kind: Literal["adwin"] = "adwin"
        delta: float = Field(0.0001, gt=0, lt=1, description="chance of a false alarm at one look, at most")
        every: int = Field(8, ge=1, description="values from one look to the next")

        @property
        def needed(self) -> int:
            """Those before its first look."""
            return self.every

    def __init__(self, settings: Settings, context: DetectorContext) -> None:
        self._settings = settings
        super().__init__(settings)

    def _fresh(self) -> OnlineDetector:
        from river.drift import ADWIN  # brings SciPy: not for every process that reads the configuration

        delta, every = self._settings.delta, self._settings.every
        return ADWIN(delta=delta, clock=every)  # type: ignore[no-untyped-call]  # river leaves it without annotations
