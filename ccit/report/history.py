"""What a run remembers for its report: one frozen row per thing that happened, over the standard library alone.

All times (`at`) are seconds since the run began. `kind` is the truth that the simulated hospital knows about a record
("clean", "wrong_answer", ...; see `ccit.simulation.faults.Truth`) and empty where nobody knows it, as with real data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ccit.records import Arm, Estimate, Outcome


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One record that was accepted or rejected, with the scores that were reached (None: not reached or unscored)."""

    seq: int
    at: float
    day: int
    kind: str
    group: str
    accepted: bool
    reason: str
    ifd: float | None = None
    novelty: float | None = None
    diversity: float | None = None
    length: float | None = None
    proxy_version: int = 0
    arm: Arm = "policy"


@dataclass(frozen=True, slots=True)
class DeadLetterRow:
    """One message that could not be read as a record; `reason` is one of `ccit.records.DEAD_LETTER_REASONS`."""

    at: float
    day: int
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class RoundRow:
    """One judged round. `at` is when its verdict fell, `seconds` what it took, `size` its number of new samples.

    `gain` and `forgetting` are in percentage points against the incumbent `parent`; forgetting is ability lost.
    """

    round_id: str
    at: float
    seconds: float
    due: str
    size: int
    outcome: Outcome
    why: str
    parent: int
    gain: Estimate | None = None
    forgetting: Estimate | None = None


@dataclass(frozen=True, slots=True)
class AnnouncementRow:
    """One message on the version topic: from here on `version` is the active one."""

    at: float
    kind: Literal["promoted", "rolled_back"]
    version: int
    parent: int | None
    sequence: int


@dataclass(frozen=True, slots=True)
class ServingRow:
    """One request to the server; `at` is when its answer ended, `version` the one named in it (None: no answer)."""

    at: float
    version: int | None
    ok: bool
    latency_seconds: float


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits that the run was configured with; None where a limit is not set."""

    ifd_low: float | None = None
    ifd_high: float | None = None
    forgetting_pp: float | None = None


@dataclass(frozen=True, slots=True)
class History:
    """Everything the report draws that is not in `summary.json`.

    >>> History().decisions
    ()
    """

    decisions: Sequence[DecisionRow] = ()
    dead_letters: Sequence[DeadLetterRow] = ()
    rounds: Sequence[RoundRow] = ()
    announcements: Sequence[AnnouncementRow] = ()
    serving: Sequence[ServingRow] = ()
    bounds: Bounds = field(default_factory=Bounds)


def promotions(history: History) -> list[tuple[AnnouncementRow, RoundRow | None]]:
    """Each promoted version with the round that made it: both follow the same order, though two topics may be read
    a moment apart.

    >>> history = History(announcements=[AnnouncementRow(9.0, "promoted", 1, 0, 1)])
    >>> [(a.version, r) for a, r in promotions(history)]
    [(1, None)]
    """
    announced = sorted(
        (a for a in history.announcements if a.kind == "promoted" and a.version > 0), key=lambda a: a.sequence
    )
    rounds = sorted((r for r in history.rounds if r.outcome == "promote"), key=lambda r: r.at)
    return [(a, rounds[i] if i < len(rounds) else None) for i, a in enumerate(announced)]
