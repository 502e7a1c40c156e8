from __future__ import annotations

from collections import Counter

from ccit.ports.rounds import Draft, Past, SourceContext
from ccit.training.sources.reservoir import ReservoirSource
from tests.nouns import sample

HISTORY = [sample(number) for number in range(200)]


def memory(history: int, seed: int = 0, capacity: int = 10) -> set[str]:
    """All that many rounds ever see."""
    settings = ReservoirSource.Settings(ratio=1.0, capacity=capacity)
    source = ReservoirSource(settings, SourceContext(seed, lambda _: []))
    drafts = [Draft(HISTORY[:5], HISTORY[:history], f"round {number}") for number in range(20)]
    return {one.sample_id for draft in drafts for one in source.pick(draft)}


def test_the_memory_has_its_size_whatever_comes() -> None:
    assert len(memory(10)) == len(memory(200)) == 10
    assert len(memory(4)) == 4


def test_a_later_sample_enters_or_it_does_not_and_what_has_left_does_not_come_back() -> None:
    past, gone = memory(10), set()
    for history in range(11, 200, 9):
        now = memory(history)
        gone |= past - now
        assert not gone & now
        past = now
    assert gone


def test_each_sample_has_the_same_chance() -> None:
    """400 memories of 10 out of 40: each sample is in a quarter of them, 100 +- 5 standard deviations of 8.7."""
    counts = Counter(i for seed in range(400) for i in memory_of_forty(seed))
    assert len(counts) == 40
    assert all(56 < count < 144 for count in counts.values())


def memory_of_forty(seed: int) -> set[str]:
    source = ReservoirSource(ReservoirSource.Settings(ratio=1.0, capacity=10), SourceContext(seed, lambda _: []))
    return {one.sample_id for one in source.pick(Draft(HISTORY[:10], HISTORY[:40], "round 1"))}


def test_what_was_repeated_enough_stays_in_the_memory_and_is_not_picked() -> None:
    settings = ReservoirSource.Settings(ratio=9.0, capacity=10, max_repeats=1)
    source = ReservoirSource(settings, SourceContext(0, lambda _: []))
    worn = sorted(memory(200))[0]
    found = {one.sample_id for one in source.pick(Draft(HISTORY[:5], HISTORY, "round 1", Past(picks={worn: 1})))}
    assert found == memory(200) - {worn}
