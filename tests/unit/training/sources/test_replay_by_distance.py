from __future__ import annotations

from collections import Counter
from dataclasses import replace

from ccit.ports.rounds import Draft, SourceContext
from ccit.records import Sample
from ccit.training.sources.replay_by_distance import ReplayByDistance
from tests.nouns import sample


def about(number: int, instruction: str, group: str) -> Sample:
    return replace(sample(number, group=group), instruction=instruction)


NEW = [about(99, "abcabcabc", "new")]


def groups_of(history: list[Sample], rounds: int = 600) -> Counter[str]:
    source = ReplayByDistance(ReplayByDistance.Settings(ratio=1.0), SourceContext(0, lambda _: []))
    drafts = [Draft(NEW, history, f"round {n}") for n in range(rounds)]
    return Counter(one.group for draft in drafts for one in source.pick(draft))


def test_a_group_that_says_the_same_is_not_replayed_while_another_is_there() -> None:
    counts = groups_of([about(0, "abcabcabc", "same"), about(1, "uvwuvwuvw", "far")])
    assert counts == {"far": 600}


def test_two_groups_equally_far_share_alike_whatever_their_size() -> None:
    """300 +- 5 standard deviations of 12.2."""
    many = [about(n, "uvwuvwuvw", "many") for n in range(9)]
    counts = groups_of([*many, about(9, "xyzxyzxyz", "few")])
    assert abs(counts["few"] - 300) < 62
