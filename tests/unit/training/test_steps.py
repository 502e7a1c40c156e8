from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ccit.ports.training import BatcherContext
from ccit.training.batchers.bucketed import BucketedBatcher
from ccit.training.steps import plan_steps, planned_tokens


def batcher_of(budget: int) -> BucketedBatcher:
    return BucketedBatcher(BucketedBatcher.Settings(), BatcherContext(budget))


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=40),
    st.integers(1, 3),
    st.integers(1, 10),
    st.integers(1, 200),
    st.integers(0, 99),
)
def test_each_epoch_sees_everything_once(lengths: list[int], epochs: int, size: int, budget: int, seed: int) -> None:
    steps = plan_steps(lengths, epochs, size, batcher_of(budget), seed)
    seen = Counter(i for step in steps for batch in step for i in batch)
    assert seen == dict.fromkeys(range(len(lengths)), epochs)
    assert len(steps) == epochs * -(-len(lengths) // size)
    assert all(sum(len(batch) for batch in step) <= size for step in steps)
    assert planned_tokens(lengths, steps) >= epochs * sum(lengths)


def test_seeds_and_epochs_differ_in_order() -> None:
    lengths = [5] * 64
    first = plan_steps(lengths, 2, 8, batcher_of(1000), seed=0)
    assert first != plan_steps(lengths, 2, 8, batcher_of(1000), seed=1)
    assert first[:8] != first[8:]


def test_an_epoch_visits_what_it_is_told_to_and_no_more() -> None:
    steps = plan_steps(
        [1, 1, 1, 1], 2, 1, batcher_of(1000), seed=0, reorder=lambda order, epoch: sorted(order)[: 1 + epoch]
    )
    assert steps == [[[0]], [[0]], [[1]]]
