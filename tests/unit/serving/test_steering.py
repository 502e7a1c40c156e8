from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from ccit.serving.leases import VersionNotHeld
from ccit.serving.slots import Slots
from ccit.serving.steering import Steering, WrongExpectation


def steered(*numbers: int, keep: int = 3) -> tuple[Slots, Steering]:
    backend: Any = SimpleNamespace(load=lambda *_: None, unload=lambda _: None)
    slots = Slots(backend, "ccit", keep)
    steering = Steering(slots)
    for number in numbers:
        slots.load(number, None)
        steering.announce(number)
    return slots, steering


def test_a_wrong_expectation_and_a_version_that_is_away_change_nothing() -> None:
    slots, steering = steered(1, 2)
    acts: dict[str, list[Callable[[], None]]] = {
        "is active": [partial(steering.pin, 1, 7), partial(steering.unpin, 7)],
        "was announced last": [partial(steering.ask_back, 1, 7)],
    }
    for what, group in acts.items():
        for act in group:
            with pytest.raises(WrongExpectation, match=f"version 2 {what}, not 7"):
                act()
    with pytest.raises(VersionNotHeld):
        steering.pin(9, 2)
    assert (slots.active, steering.pinned) == (2, None)


def test_what_is_announced_while_pinned_stays_in_memory_for_the_unpin() -> None:
    slots, steering = steered(1, 2, 3, keep=2)
    steering.pin(2, 3)
    steering.announce(3)
    for number in (4, 5):
        slots.load(number, None)
        steering.announce(number)
    steering.announce(4)  # rolled back meanwhile
    slots.load(6, None)
    assert slots.active == 2
    steering.unpin(2)
    assert slots.active == 4


def test_pins_of_versions_that_streams_hold_push_out_no_announced_one() -> None:
    slots, steering = steered(1, 2, keep=2)
    with slots.lease(1), slots.lease(2):
        for number in (3, 4, 5):
            slots.load(number, None)
            steering.announce(number)
        steering.pin(1, 5)
        steering.pin(2, 1)
    steering.unpin(2)
    assert slots.active == 5


def test_what_has_been_dropped_cannot_be_announced_while_pinned() -> None:
    """It would be listed as held with nothing behind it, and be active after the unpin."""
    slots, steering = steered(1, 2, 3, keep=1)
    steering.pin(3, 3)
    with pytest.raises(VersionNotHeld):
        steering.announce(1)
    assert slots.held == (0, 3)
    steering.unpin(3)
    assert slots.active == 3


def test_a_roll_back_is_asked_of_whoever_speaks_to_the_broker() -> None:
    slots, steering = steered(1, 2)
    with pytest.raises(WrongExpectation, match="no broker"):
        steering.ask_back(1, 2)
    asked = list[int]()
    steering.roll_back = asked.append
    steering.ask_back(1, 2)
    assert (asked, slots.active) == ([1], 2)


def test_a_roll_back_expects_what_was_announced_to_all_replicas_and_not_what_is_pinned_on_this_one() -> None:
    _, steering = steered(1, 2)
    asked = list[int]()
    steering.roll_back = asked.append
    steering.pin(1, 2)
    with pytest.raises(WrongExpectation, match="version 2 was announced last, not 1"):
        steering.ask_back(1, expected=1)
    steering.ask_back(1, expected=2)
    assert asked == [1]
