"""Drawing by lot: a number that a sample has once and for all, whoever draws it and whenever."""

from __future__ import annotations

import hashlib


def lot(seed: int, purpose: str, sample_id: str) -> float:
    """A uniform number in [0, 1): a hash, so that it depends neither on the stream's order nor on the process.

    Parameters
    ----------
    purpose : str
        Lots of different purposes are independent of each other: who is in the control arm is no likelier to be
        drawn by a policy.

    Example
    -------
    >>> lot(0, "random", "s1") == lot(0, "random", "s1") != lot(0, "control", "s1")
    True
    """
    drawn = hashlib.sha256(f"{seed}\0{purpose}\0{sample_id}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") / 2**64
