"""How a round's samples are drawn: the held-out part, picks with and without groups, and the order of training.

Pure. Every choice is an order by hash: `SHA-256(seed, salt, id)` ranks the candidates. So a choice depends on the ids,
the seed and the salt alone, never on the order in which samples arrived or on a library's random generator. The salt of
a pick is the round's (`pipeline.plan`): each round draws anew, and one that is planned again draws the same.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import count, islice

from ccit.records import Sample


def hash_order(ids: Iterable[str], seed: int, salt: str) -> list[str]:
    """The ids in an order that looks random and is fixed by seed and salt.

    >>> hash_order(["a", "b", "c"], 0, "x") == hash_order(["c", "b", "a"], 0, "x")
    True
    """
    return sorted(ids, key=lambda i: (hashlib.sha256(f"{seed}\0{salt}\0{i}".encode()).digest(), i))


def weighted_order(weights: Mapping[str, float], seed: int, salt: str) -> list[str]:
    """The ids as if drawn one after the other without replacement, each in proportion to its weight; 0 comes last.

    Efraimidis & Spirakis 2006: an order by the logarithm of a uniform number over the weight, where the number comes
    from the hash.

    >>> weighted_order({"a": 1.0, "b": 0.0, "c": 2.0}, 0, "x")[-1]
    'b'
    """

    def key(sample_id: str) -> tuple[float, bytes, str]:
        digest = hashlib.sha256(f"{seed}\0{salt}\0{sample_id}".encode()).digest()
        uniform = (int.from_bytes(digest[:8], "big") + 1) / (2**64 + 1)
        weight = weights[sample_id]
        return (-math.log(uniform) / weight if weight > 0 else math.inf, digest, sample_id)

    return sorted(weights, key=key)


def split(sample_ids: Sequence[str], share: float, seed: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Divide a round into its training part and its validation part (paper: 9:1).

    Parameters
    ----------
    share : float
        Share of the validation part, 0 to 1. At least one sample goes to each part when there are two.

    Returns
    -------
    tuple
        (training ids, validation ids), each in the order of `sample_ids`.

    >>> training, validation = split([f"s{i}" for i in range(10)], 0.1, seed=0)
    >>> len(training), len(validation)
    (9, 1)
    """
    wanted = min(max(1, round(len(sample_ids) * share)), len(sample_ids) - 1)
    held_out = set(hash_order(sample_ids, seed, "validation")[: max(0, wanted)])
    training = tuple(i for i in sample_ids if i not in held_out)
    return training, tuple(i for i in sample_ids if i in held_out)


def pick(ids: Sequence[str], n: int, seed: int, salt: str) -> tuple[str, ...]:
    """Draw `n` ids without replacement; once all are used, start over in a new order.

    >>> sorted(pick(["a", "b"], 4, seed=1, salt="round 1"))
    ['a', 'a', 'b', 'b']
    """
    if not ids:
        return ()
    passes = (i for number in count() for i in hash_order(ids, seed, f"pick {salt} {number}"))
    return tuple(islice(passes, max(0, n)))


def pick_evenly(history: Sequence[Sample], n: int, seed: int, salt: str) -> tuple[str, ...]:
    """Draw up to `n` earlier samples, evenly over groups (sources where there is no group).

    So a small or old group is not drowned by a large one: each gives the same number as long as it lasts, and what a
    small one cannot give the others give. Without replacement: a sample is drawn at most once.

    Returns
    -------
    tuple[str, ...]
        Ids, groups mixed, in an order fixed by history, seed and salt.
    """
    strata: dict[str, set[str]] = {}
    for sample in history:
        strata.setdefault(sample.group or sample.source, set()).add(sample.sample_id)
    queues = [hash_order(strata[name], seed, f"replay {salt}") for name in hash_order(strata, seed, f"strata {salt}")]
    deepest = max((len(queue) for queue in queues), default=0)
    turns = (queue[depth] for depth in range(deepest) for queue in queues if depth < len(queue))
    return tuple(islice(turns, max(0, n)))


def training_order(count_of_samples: int, epoch: int, seed: int) -> list[int]:
    """The order in which one epoch visits samples 0 .. n-1; each epoch has its own.

    >>> sorted(training_order(4, epoch=0, seed=0))
    [0, 1, 2, 3]
    """
    return [int(i) for i in hash_order([str(i) for i in range(count_of_samples)], seed, f"epoch {epoch}")]
