from __future__ import annotations

from dataclasses import replace

from ccit.ports.rounds import Draft, SourceContext
from ccit.records import Sample
from ccit.training.sources.replay_nearest import ReplayNearest
from tests.nouns import sample


def about(number: int, instruction: str) -> Sample:
    return replace(sample(number), instruction=instruction)


HISTORY = [about(n, f"Which dose of drug {n} is given?") for n in range(6)] + [
    about(n, f"What colour has flower {n}?") for n in range(6, 12)
]
NEW = [about(20, "Which dose of drug 20 is given?"), about(21, "Which dose of drug 21 is given?")]


def picked(salt: str, reach: float) -> list[str]:
    source = ReplayNearest(ReplayNearest.Settings(ratio=1.0, reach=reach), SourceContext(0, lambda _: []))
    return [one.instruction[:5] for one in source.pick(Draft(NEW, HISTORY, salt))]


def test_what_is_like_the_new_is_picked() -> None:
    assert all(picked(f"round {n}", reach=3.0) == ["Which", "Which"] for n in range(20))


def test_with_a_wide_reach_the_far_comes_too() -> None:
    assert {first for n in range(20) for first in picked(f"round {n}", reach=6.0)} == {"Which", "What "}
