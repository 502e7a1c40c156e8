"""Two windows: the newest values of a score have another distribution than those before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from ccit.drift.detectors.of_score import OfScore, OnlineDetector, ScoreSettings
from ccit.plugins import plugin
from ccit.ports.drift import DetectorContext


@plugin("detector")
class KswinDetector(OfScore):
    """Finds a change of the whole distribution, where the mean may stay: Kolmogorov and Smirnov's test of two windows.

    KSWIN (Raab et al. 2020, Reactive soft prototype computing for concept drift streams, doi
    10.1016/j.neucom.2019.11.111), as `river.drift.KSWIN` has it. Of the last `window` values the newest `newest` are
    compared with as many drawn from those before them; with F their empirical distributions, a change is found where
    the p-value of

        sup over x of |F_newest(x) - F_before(x)|

    is at most `alpha`. It looks at each value, so a false alarm is to be expected within some multiple of 1 / alpha.

    Example
    -------
    >>> from ccit.testing import accepted_with
    >>> detector = KswinDetector(KswinDetector.Settings(baseline=10), DetectorContext(seed=0))
    >>> wider = [0.5, 0.9] * 50  # the same mean
    >>> values = [0.7 + n % 10 / 1000 for n in range(200)] + wider
    >>> changes = [detector.observe(accepted_with(value)) for value in values]
    >>> any(changes[:200]), any(changes[200:])
    (False, True)
    """

    class Settings(ScoreSettings):
        """Which windows, and how sure it is to be."""

        kind: Literal["kswin"] = "kswin"
        alpha: float = Field(1e-5, gt=0, lt=1, description="p-value of a change, at most")
        window: int = Field(200, ge=20, description="values that are looked at")
        newest: int = Field(50, ge=10, description="the newest of them, which are compared with those before")

        @property
        def needed(self) -> int:
            """A whole window."""
            return self.window

        @model_validator(mode="after")
        def _halves(self) -> Self:
            if 2 * self.newest > self.window:
                raise ValueError(f"newest ({self.newest}) is above half of window ({self.window}); lower it")
            return self

    def __init__(self, settings: Settings, context: DetectorContext) -> None:
        self._settings = settings
        self._seed = context.seed
        super().__init__(settings)

    def _fresh(self) -> OnlineDetector:
        from river.drift import KSWIN  # brings SciPy: not for every process that reads the configuration

        own = self._settings
        return KSWIN(alpha=own.alpha, window_size=own.window, stat_size=own.newest, seed=self._seed)

    def _since(self, values: Sequence[float]) -> int:
        """A distribution may change and its mean stay, so the newest window it is."""
        return self._settings.newest
