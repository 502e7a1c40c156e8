from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ccit.models.bucketing import bucket, fit, packed_tokens, padded_tokens, stretches

lengths = st.lists(st.integers(1, 60), max_size=40)


@given(st.integers(1, 300), st.integers(1, 300), st.integers(8, 200), st.data())
def test_what_is_kept_fits_and_is_as_much_as_fits(prompt: int, response: int, window: int, data: st.DataObject) -> None:
    floor = data.draw(st.integers(1, window - 1))
    kept_prompt, kept_response = fit(prompt, response, window, floor)
    assert 1 <= kept_prompt <= prompt
    assert 1 <= kept_response <= response
    assert kept_prompt + kept_response == min(window, prompt + response)
    assert kept_prompt >= min(prompt, floor)
    if response + min(prompt, floor) <= window:
        assert kept_response == response


@given(lengths, st.integers(1, 200))
def test_every_row_is_in_one_bucket_within_the_budget(rows: list[int], budget: int) -> None:
    batches = bucket(rows, budget)
    assert sorted(row for batch in batches for row in batch) == list(range(len(rows)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(rows[row] for row in batch) <= budget


@given(lengths, st.integers(1, 200))
def test_batches_are_of_falling_length(rows: list[int], budget: int) -> None:
    flat = [rows[row] for batch in bucket(rows, budget) for row in batch]
    assert flat == sorted(flat, reverse=True)


@given(lengths, st.integers(1, 200))
def test_padding_is_counted(rows: list[int], budget: int) -> None:
    batches = bucket(rows, budget)
    padded = [rows[batch[0]] for batch in batches for _ in batch]  # each row at the length of its batch's first
    assert padded_tokens(rows, batches) == sum(padded) >= sum(rows)


def test_similar_lengths_share_a_batch() -> None:
    rows = [100, 5] * 20
    assert padded_tokens(rows, bucket(rows, 400)) <= 1.1 * sum(rows)


@given(lengths, st.integers(1, 200))
def test_every_row_is_in_one_stretch_within_the_budget(rows: list[int], budget: int) -> None:
    batches = stretches(rows, budget)
    assert sorted(row for batch in batches for row in batch) == list(range(len(rows)))
    for batch in batches:
        assert len(batch) == 1 or packed_tokens(rows, [batch]) <= budget
    first = [rows[row] for batch in batches for row in batch]
    assert first == sorted(first, reverse=True)
