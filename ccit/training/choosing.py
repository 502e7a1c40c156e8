"""What a planner's choice means for the pool: the offsets that the round uses up, and the samples that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ccit.errors import ConfigError
from ccit.pool import Pool, ranges_of
from ccit.ports.rounds import Planner, PoolChoice
from ccit.records import LeftOut, OffsetRange, Sample


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a round is made of: all that lies in the ranges is either taken or left out.

    Parameters
    ----------
    ranges : tuple[OffsetRange, ...]
        Per partition.
    samples : Mapping[str, Sample]
        What is taken, by id, in the order of partitions and offsets.
    left_out : tuple[LeftOut, ...]
        With reasons and places.
    planner : str
        The kind of the planner.
    """

    ranges: tuple[OffsetRange, ...]
    samples: Mapping[str, Sample]
    left_out: tuple[LeftOut, ...]
    planner: str


def choose(pool: Pool, planner: Planner, start: Mapping[int, int]) -> Chosen:
    """Ask the planner, and hold it to its port.

    Parameters
    ----------
    start : Mapping[int, int]
        First offset of each partition that no finished round has used.

    Raises
    ------
    ConfigError
        It looked at none or at more samples than there are, left out one that it did not look at, or took none.
    """
    choice = planner.choose(pool.waiting)
    ranges = ranges_of(pool.waiting[: choice.considered], start)
    inside = {pooled.sample.sample_id: pooled for pooled in pool.within(ranges)}
    left = {one.sample_id for one in choice.left_out}
    if not (0 < choice.considered <= len(pool) and left < inside.keys()):
        raise ConfigError(_broken(choice, len(pool), len(left - inside.keys())))
    return Chosen(
        ranges,
        {sample_id: pooled.sample for sample_id, pooled in inside.items() if sample_id not in left},
        tuple(replace(one, position=inside[one.sample_id].position) for one in choice.left_out),
        choice.planner,
    )


def _broken(choice: PoolChoice, waiting: int, unknown: int) -> str:
    return (
        f"expected the planner {choice.planner!r} to look at 1 to {waiting} samples and to take one of them at least, "
        f"but it looked at {choice.considered} and left out {len(choice.left_out)}, {unknown} of which it had not "
        "looked at; choose another with [rounds.planner]"
    )
