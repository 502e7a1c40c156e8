"""When a round starts, and what it is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ccit.ports.selection import Scorer
from ccit.records import Decision, Due, LeftOut, Pooled, Sample


@dataclass(frozen=True, slots=True)
class TriggerContext:
    """What every trigger may know: the samples of a full round, and those without which no round starts."""

    size: int
    min_size: int


class Trigger(Protocol):
    """Says when a round starts."""

    @property
    def whole_pool(self) -> bool:
        """Whether its round takes whatever waits, so that all of that is read from the log before it is asked."""

    def observe(self, decisions: Sequence[Decision]) -> None:
        """See what was decided since the last call; the trainer sees accepted samples alone."""

    def due(self, pool: Sequence[Pooled], now: float) -> Due | None:
        """Why a round starts now, or None. `now` is in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class PlannerContext:
    """What every planner may know: the samples of a full round, `rounds.seed`, and who scores anew.

    `proxy` scores with the incumbent's proxy adapter, in a replay. It is None in the trainer: a plan is made in the
    thread that polls, in a process that loads no model, and scoring a pool would take longer than a member of a group
    may be silent. There a planner has the scores that let each sample in (`Pooled.decision`), those of the proxy that
    was active then; one that cannot do without new scores raises `ConfigError` when it is made.
    """

    size: int
    seed: int
    proxy: Scorer | None = None


@dataclass(frozen=True, slots=True)
class PoolChoice:
    """What a planner makes of the pool.

    Parameters
    ----------
    planner : str
        Its kind.
    considered : int
        How many of the waiting samples the round uses up, the oldest first: 1 to all. Always the oldest, because a
        round moves the offsets of a topic, which has no holes.
    left_out : tuple[LeftOut, ...]
        Those of them that it does not take, with reasons; it takes all others, and at least one.
    """

    planner: str
    considered: int
    left_out: tuple[LeftOut, ...] = ()


class Planner(Protocol):
    """Chooses what of the pool a round takes. The same pool gives the same choice."""

    def choose(self, pool: Sequence[Pooled]) -> PoolChoice:
        """What of the waiting samples, the oldest first, the next round is made of; there is at least one."""


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What every source may know: `rounds.seed`, and how the samples of a file are read (`rows(path)`)."""

    seed: int
    rows: Callable[[str], Sequence[Sample]]


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of samples of earlier rounds.

    Parameters
    ----------
    decisions : Mapping[str, Decision]
        Sample id -> what let it in, with its scores; some may be missing.
    picks : Mapping[str, int]
        Sample id -> how many promoted rounds have picked it again.
    """

    decisions: Mapping[str, Decision] = field(default_factory=dict)
    picks: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, history: Iterable[Pooled], picks: Mapping[str, int]) -> Past:
        """Of samples as the log has them."""
        return cls({p.sample.sample_id: p.decision for p in history if p.decision is not None}, picks)


NO_PAST = Past()


@dataclass(frozen=True, slots=True)
class Draft:
    """A round in the making, as a source sees it.

    Parameters
    ----------
    training : Sequence[Sample]
        Its own training part.
    history : Sequence[Sample]
        Samples of earlier rounds that may be used again.
    salt : str
        Differs from round to round, and is the same when a round is planned again.
    past : Past
        What is known of the history.
    """

    training: Sequence[Sample]
    history: Sequence[Sample]
    salt: str
    past: Past = NO_PAST


class Source(Protocol):
    """Picks one named part of a round, anew in each; a source that always picks the same says `fixed = True`."""

    def pick(self, draft: Draft) -> Sequence[Sample]:
        """The samples of the part in the order of the pick; the same draft gives the same pick."""

    def texts(self, ids: Sequence[str], history: Sequence[Sample]) -> Sequence[Sample]:
        """The samples that were picked under these ids, perhaps by an earlier process; `KeyError` for what is gone."""
