from __future__ import annotations

import asyncio

import pytest

from ccit.models.causal import CausalModel
from ccit.ports.serving import Sampling
from tests.unit.serving.held import slots_over


def test_loading_a_held_version_again_builds_nothing(base: CausalModel, adapters: list[dict[str, bytes]]) -> None:
    slots, seconds = slots_over(base), list[float]()
    slots.observers.append(seconds.append)
    slots.load(1, adapters[1])
    slots.load(1, adapters[1])
    assert len(seconds) == 1
    assert seconds[0] > 0


def test_what_is_dropped_leaves_the_backend_too(base: CausalModel, adapters: list[dict[str, bytes]]) -> None:
    slots = slots_over(base, keep=1)
    for number in (1, 2):
        slots.load(number, adapters[number])
        slots.activate(number)
    assert 1 not in slots.held
    assert list(slots.digests) == [0, 2]
    with pytest.raises(KeyError):
        asyncio.run(anext(slots.backend.stream(1, [1, 2], Sampling(1))))
