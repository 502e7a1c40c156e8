"""What finds that accepted samples are no longer what they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ccit.records import Decision


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accepted sample as the log has it: its decision, and its vector (d,) in each space that is kept."""

    decision: Decision
    vectors: Mapping[str, npt.NDArray[np.float32]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What a detector says when it has found one.

    Parameters
    ----------
    metric : str
        What changed.
    before, after : float
        Its mean before and after the change.
    since : int
        The newest samples that lie behind the change, at least 1; of those that were observed, whether or not the
        detector could use them.
    """

    metric: str
    before: float
    after: float
    since: int


@dataclass(frozen=True, slots=True)
class DetectorContext:
    """What every detector may use: `seed` is the only source of randomness."""

    seed: int


class Detector(Protocol):
    """Follows the accepted samples of one partition, in the order of the log, and says where they change.

    Its state follows from the samples and their order alone. A rollback leaves it as it is: it undoes what was trained,
    and not what came.
    """

    def observe(self, accepted: Accepted) -> Change | None:
        """Take in the next sample; what has changed, or None. After a change it begins anew."""

    def snapshot(self) -> Mapping[str, Any]:
        """The state as JSON; equal states give equal snapshots."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `snapshot` gave, into a detector that is new. Raises `ValueError` for what it did not give,
        and is as it was then.
        """
