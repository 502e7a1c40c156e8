"""A look at the trainer from outside, for metrics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainState:
    """A look at the trainer.

    Parameters
    ----------
    pooled_since : float or None
        When the oldest pooled sample was pooled, seconds since 1970.
    expired : int
        Offsets of samples that retention deleted before a round could use them.
    progress : tuple of str, int, int
        Stage, done and total of the round at work; an empty stage when none is.
    failed : bool
        No round can be made until somebody mends the settings, the models or the memory.
    """

    pooled: int
    pooled_since: float | None
    replayable: int
    progress: tuple[str, int, int]
    judged: int
    held: bool
    failed: bool
    version: int
    expired: int = 0
