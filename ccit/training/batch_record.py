"""How many tokens a round's micro-batches have, and had before: a sealed file beside the round's checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from ccit.store.sealed import read_sealed, write_sealed


@dataclass(frozen=True, slots=True)
class BatchSizes:
    """Of one round.

    Parameters
    ----------
    tokens : int
        At most so many in a micro-batch from now on.
    before : Mapping[str, tuple[int, ...]]
        What micro-batches of earlier steps may have had, by the role of their adapter.
    """

    tokens: int
    before: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


_SIZES = TypeAdapter(BatchSizes)


def sizes_of(record: Path, asked: int | Literal["auto"], choose: Callable[[], int], begun: Sequence[str]) -> BatchSizes:
    """What a round is trained with.

    What was chosen for it stays: other sums would give other bytes. A size that was set since, for want of memory,
    takes its place and stays too. Where the first was set nothing is written: whoever set it knows it.

    Parameters
    ----------
    asked : int | "auto"
        As it is set now.
    choose : Callable
        Gives a size; asked where none is known.
    begun : Sequence[str]
        Roles whose adapters have been through steps already.

    Raises
    ------
    StorageFailed
        The disk does not take the record; and what `choose` raises.
    """
    content = read_sealed(record)
    known = _SIZES.validate_json(content) if content is not None else None
    if known is not None and asked in ("auto", known.tokens):
        return known
    if asked == "auto":
        sizes = BatchSizes(choose())
    elif known is None:
        return BatchSizes(asked)
    else:
        steps = {role: (*known.before.get(role, ()), known.tokens) for role in begun}
        sizes = BatchSizes(asked, {**known.before, **steps})
    write_sealed(record, _SIZES.dump_json(sizes))
    return sizes
