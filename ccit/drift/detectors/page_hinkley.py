"""Cumulative sums: a score runs away from its own mean."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ccit.drift.detectors.of_score import OfScore, OnlineDetector, ScoreSettings
from ccit.plugins import plugin
from ccit.ports.drift import DetectorContext

_SETTLED = 30  # values, of which a running mean is worth something


@plugin("detector")
class PageHinkleyDetector(OfScore):
    """Finds a change where a score has run above or below its own mean for long enough.

    The test of Page (1954, Continuous inspection schemes, doi 10.1093/biomet/41.1-2.100) and Hinkley, on both sides, as
    `river.drift.PageHinkley` has it. With z the score in units of its first spread, and its running mean,

        up_t = up_(t-1) + z_t - mean_t - slack,       a change where  up_t - min up > threshold

    and likewise below. A change of `shift` spreads is found about threshold / (shift - slack) samples after it; one
    smaller than `slack` is let pass, mostly: mean and spread are estimates themselves. Where nothing changes, the mean
    distance of false alarms grows exponentially with threshold times slack.

    Example
    -------
    >>> from ccit.testing import accepted_with
    >>> def changes(value):  # after 200 with a mean of 0.7 and a spread of 0.05
    ...     detector = PageHinkleyDetector(PageHinkleyDetector.Settings(baseline=10), DetectorContext(seed=0))
    ...     said = [detector.observe(accepted_with(one)) for one in [0.65, 0.75] * 100 + [value] * 100]
    ...     return sum(change is not None for change in said)
    >>> changes(0.9), changes(0.72)  # the latter is within the slack
    (1, 0)
    """

    class Settings(ScoreSettings):
        """How far it may run, and what is let pass."""

        kind: Literal["page_hinkley"] = "page_hinkley"
        slack: float = Field(0.5, ge=0, description="change that does not matter, in spreads of the score")
        threshold: float = Field(20.0, gt=0, description="how far the sum may run, in spreads of the score")

        @property
        def needed(self) -> int:
            """As many as river's running mean is given before a sum counts."""
            return _SETTLED

    def __init__(self, settings: Settings, context: DetectorContext) -> None:
        self._settings = settings
        super().__init__(settings)

    def _fresh(self) -> OnlineDetector:
        from river.drift import PageHinkley  # brings SciPy: not for every process that reads the configuration

        own = self._settings
        return PageHinkley(min_instances=_SETTLED, delta=own.slack, threshold=own.threshold, alpha=1.0)
