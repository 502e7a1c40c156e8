"""Enough samples have gathered: the paper's trigger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ccit.records import Due, Pooled


@dataclass(frozen=True, slots=True)
class SizeTrigger:
    """Due when the pool holds `size` samples.

    >>> SizeTrigger(1).due([], now=0.0) is None
    True
    """

    size: int

    def due(self, pool: Sequence[Pooled], now: float) -> Due | None:
        """Why a round starts now, or None."""
        return Due("size", f"{len(pool)} samples pooled, {self.size} start a round") if len(pool) >= self.size else None
