"""A change in what is let in, found in the log: Drift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Cause = Literal["source", "form", "answers", "new_knowledge", "unclear"]


@dataclass(frozen=True, slots=True)
class Drift:
    """What one detector found in one partition of the samples topic, and what it comes from.

    Parameters
    ----------
    partition, offset : int
        Of the accepted sample at which it was found.
    detector : str
        Its kind.
    metric : str
        What changed: the metric of a score, or `embedding`.
    before, after : float
        Its mean before and after the change; of `embedding` the distance by chance, and the distance found.
    since : int
        Accepted samples of this partition between the change and where it was found.
    cause : Cause
        What it comes from, as far as evidence goes (`ccit/drift/causes.py`).
    mark : str
        What the samples of a `source` or a `form` have in common: the source, or a digest of the form; empty for all.
    """

    partition: int
    offset: int
    detector: str
    metric: str
    before: float
    after: float
    since: int
    cause: Cause
    mark: str = ""

    def __str__(self) -> str:
        """One line for a person.

        >>> print(Drift(2, 140, "adwin", "ifd", 0.71, 0.93, 30, "source", "ward 7"))
        ifd went from 0.71 to 0.93 (adwin, partition 2, found at 140, 30 samples after it began): source ward 7
        """
        named = f"{self.cause} {self.mark}" if self.cause == "source" else self.cause.replace("_", " ")
        return (
            f"{self.metric} went from {self.before:.3g} to {self.after:.3g} ({self.detector}, partition "
            f"{self.partition}, found at {self.offset}, {self.since} samples after it began): {named}"
        )
