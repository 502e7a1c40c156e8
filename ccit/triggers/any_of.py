"""Several triggers as one; not a kind of its own, because the tables of `[rounds.triggers]` are joined by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ccit.ports.rounds import Trigger
from ccit.records import Decision, Due, Pooled


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Due when one of the triggers is; the first in order gives the reason.

    >>> AnyOf(()).due([], now=0.0) is None
    True
    """

    triggers: tuple[Trigger, ...]

    @property
    def whole_pool(self) -> bool:
        """Whether one of them wants all that waits to be read first."""
        return any(trigger.whole_pool for trigger in self.triggers)

    def observe(self, decisions: Sequence[Decision]) -> None:
        """Each of them sees all decisions."""
        for trigger in self.triggers:
            trigger.observe(decisions)

    def due(self, pool: Sequence[Pooled], now: float) -> Due | None:
        """Why a round starts now, or None."""
        return next((due for trigger in self.triggers if (due := trigger.due(pool, now)) is not None), None)
