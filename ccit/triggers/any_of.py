"""Several triggers as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ccit.ports import Trigger
from ccit.records import Due, Pooled


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Due when one of the triggers is; the first in order gives the reason."""

    triggers: tuple[Trigger, ...]

    def due(self, pool: Sequence[Pooled], now: float) -> Due | None:
        """Why a round starts now, or None."""
        return next((due for trigger in self.triggers if (due := trigger.due(pool, now)) is not None), None)
