import random

from hypothesis import given
from hypothesis import strategies as st

from ccit.models.pretraining import TokenizedRow, batches

lengths = st.lists(st.integers(1, 60), min_size=1, max_size=200)


@given(lengths, st.integers(60, 600), st.integers())
def test_batches_hold_every_row_once_within_the_budget(sizes: list[int], budget: int, seed: int) -> None:
    rows = [TokenizedRow(tuple(range(n)), 0) for n in sizes]
    grouped = batches(rows, budget, random.Random(seed))
    assert sorted(len(row.ids) for batch in grouped for row in batch) == sorted(sizes)
    assert all(len(batch) * max(len(row.ids) for row in batch) <= budget for batch in grouped)
