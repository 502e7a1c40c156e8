"""Two samples of a number over one axis: their bars, one above a line and one below it, and how far they lie apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from ccit.report.svg import Scale, hot, join, line, rect
from ccit.report.words import percent

_BINS = 44


@dataclass(frozen=True, slots=True)
class Histogram:
    """Bars of samples that share an axis; what lies beyond the axis is in its first and last bar.

    Parameters
    ----------
    measure : str
        What the axis shows, as the tips say it.
    x : Scale
        The axis.
    peak : float
        The share that is drawn at full height.
    """

    measure: str
    x: Scale
    peak: float

    @classmethod
    def of(cls, measure: str, x: Scale, samples: Iterable[np.ndarray]) -> Histogram:
        """One whose tallest bar of these samples has full height."""
        return cls(measure, x, max((float(_shares(values, x).max()) for values in samples), default=0.0))

    def side(self, values: np.ndarray, base: float, height: float, name: str, class_: str) -> Markup:
        """One sample from the base line, upwards (`height` > 0) or downwards, with its median."""
        if not len(values):
            return Markup()
        x, pieces, step = self.x, [], (self.x.high - self.x.low) / _BINS
        for i, share in enumerate(_shares(values, x)):
            if not share:
                continue
            size = abs(height) * share / self.peak
            start = x.low + i * step
            top = base - size if height > 0 else base
            bar = rect(x(start) + 0.7, top, x(start + step) - x(start) - 1.4, size, f"fill {class_}")
            tip = f"{name}: {percent(share, 1)} with {self.measure} {start:.2f} to {start + step:.2f}"
            pieces.append(hot(tip, bar))
        middle = float(np.median(values))
        mark = line(x(middle), base, x(middle), base - height * 1.04, f"median {class_}")
        return join([*pieces, hot(f"{name}: median {self.measure} {middle:.2f}, {len(values)} records", mark)])


def _shares(values: np.ndarray, x: Scale) -> np.ndarray:
    counts, _ = np.histogram(np.clip(values, x.low, x.high), bins=_BINS, range=(x.low, x.high))
    return counts / max(1, len(values))


def separation(clean: np.ndarray, wrong: np.ndarray) -> float | None:
    """Probability that a wrong one has the higher number than a clean one (area under the ROC curve), ties half; None
    where either is lacking.

    >>> separation(np.array([0.4, 0.5]), np.array([0.9, 0.5]))
    0.875
    """
    if not len(clean) or not len(wrong):
        return None
    ordered = np.sort(clean)
    lower = np.searchsorted(ordered, wrong, side="left")
    upper = np.searchsorted(ordered, wrong, side="right")
    return float((lower + upper).mean() / (2 * len(clean)))
