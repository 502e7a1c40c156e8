from hypothesis import given
from hypothesis import strategies as st

from ccit.training.budget import by_token_budget, padded_tokens


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(1, 200))
def test_every_sequence_is_in_one_batch_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = by_token_budget(lengths, budget)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= budget
    assert padded_tokens(lengths, batches) >= sum(lengths)


def test_similar_lengths_share_a_batch() -> None:
    lengths = [100, 5] * 20
    batches = by_token_budget(lengths, 400)
    assert padded_tokens(lengths, batches) <= 1.1 * sum(lengths)
