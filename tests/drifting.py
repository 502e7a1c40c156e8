"""Simulated streams of accepted samples, for tests of what finds a change in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ccit.ports.drift import Accepted, Change, Detector
from ccit.records import Decision, Sample, Score


def accepted(
    number: int, ifd: float | None = None, centre: float = 0.0, source: str = "ward", scorer: str = "v0"
) -> Accepted:
    """A sample with an IFD, and a vector (8,) around a centre that is the sample's and its question's."""
    sample = Sample(f"s{number}", f"r{number}", source, "en", f"Which {number}?", f"It is {number}.")
    scores = () if ifd is None else (Score("ifd", ifd, scorer),)
    vector = np.random.default_rng(number).normal(centre, 1.0, 8).astype(np.float16).astype(np.float32)
    return Accepted(Decision(sample, True, "accepted", scores), {"sample": vector, "question": vector})


def ifds(seed: int, *parts: tuple[int, float, float]) -> list[float]:
    """Normal values in a row: count, mean and spread of each part."""
    rng = np.random.default_rng(seed)
    return [float(value) for count, mean, spread in parts for value in rng.normal(mean, spread, count)]


def fed(detector: Detector, stream: Iterable[Accepted]) -> list[tuple[int, Change]]:
    """The changes that a detector finds, each with the place where it found it."""
    said = [(place, detector.observe(one)) for place, one in enumerate(stream)]
    return [(place, change) for place, change in said if change is not None]


def scored(values: Sequence[float]) -> list[Accepted]:
    """A sample for each IFD."""
    return [accepted(number, value) for number, value in enumerate(values)]


class Always:
    """Port `Detector`: says that there is a change at the sample with this number, whatever it is."""

    def __init__(self, at: int) -> None:
        self._left = at

    def observe(self, _: Accepted) -> Change | None:
        self._left -= 1
        return Change("ifd", 0.7, 0.9, 1) if self._left == 0 else None

    def snapshot(self) -> Mapping[str, Any]:
        return {"left": self._left}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._left = state["left"]
