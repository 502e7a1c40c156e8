"""The control arm: a share of the stream that is let in by lot, before any check or policy sees it.

Whether a selection is worth its cost is not seen by looking at what it took. What it is compared with has to come from
the same stream at the same time, chosen by chance. A sample of the control arm is marked (`arm` in its Decision), goes
into the pool like any other, and counts in no policy's state. Only copies are refused in it, as everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from ccit.records import Arm, Sample
from ccit.selection.lots import lot


@dataclass(frozen=True, slots=True)
class ControlArm:
    """Who is in it.

    Parameters
    ----------
    share : float
        Of the stream, 0 to 1; 0 is no control arm.
    seed : int
        Of the lots. A sample that comes again is in the same arm.

    Example
    -------
    >>> sample = Sample("s", "r", "ward", "en", "Dose?", "5 mg.")
    >>> ControlArm(0.0, seed=0).arm_of(sample), ControlArm(1.0, seed=0).arm_of(sample)
    ('policy', 'control')
    """

    share: float = 0.0
    seed: int = 0

    def arm_of(self, sample: Sample) -> Arm:
        """Where a sample is decided."""
        return "control" if lot(self.seed, "control", sample.sample_id) < self.share else "policy"


NO_CONTROL = ControlArm()
