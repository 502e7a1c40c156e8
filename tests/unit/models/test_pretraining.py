import random

from hypothesis import given
from hypothesis import strategies as st

from ccit.models.pretraining import Schedule, TokenizedRow, batches, learning_rate

lengths = st.lists(st.integers(1, 60), min_size=1, max_size=200)


@given(lengths, st.integers(60, 600), st.integers())
def test_batches_hold_every_row_once_within_the_budget(sizes: list[int], budget: int, seed: int) -> None:
    rows = [TokenizedRow(tuple(range(n)), 0) for n in sizes]
    grouped = batches(rows, budget, random.Random(seed))
    assert sorted(len(row.ids) for batch in grouped for row in batch) == sorted(sizes)
    assert all(len(batch) * max(len(row.ids) for row in batch) <= budget for batch in grouped)


@given(st.integers(1, 5000), st.floats(0, 0.5))
def test_the_rate_never_passes_its_peak_and_ends_low(steps: int, warmup: float) -> None:
    schedule = Schedule(peak_lr=1.0, warmup=warmup)
    rates = [learning_rate(step, steps, schedule) for step in range(steps)]
    assert all(0 < rate <= 1 for rate in rates)
    assert steps < 50 or rates[-1] < 0.1
