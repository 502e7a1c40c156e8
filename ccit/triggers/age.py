"""The oldest pooled sample has waited long enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ccit.records import Due, Pooled


@dataclass(frozen=True, slots=True)
class AgeTrigger:
    """Due when the oldest sample is `max_age_seconds` old and at least `min_size` have gathered."""

    max_age_seconds: float
    min_size: int

    def due(self, pool: Sequence[Pooled], now: float) -> Due | None:
        """Why a round starts now, or None. `now` is in seconds since 1970."""
        if len(pool) < self.min_size:
            return None
        age = now - min(pooled.pooled_at for pooled in pool)
        if age < self.max_age_seconds:
            return None
        return Due(
            "age", f"the oldest of {len(pool)} samples waits for {age:.0f} s, {self.max_age_seconds:.0f} s at most"
        )
