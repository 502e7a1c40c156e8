from collections import Counter
from math import ceil, sqrt
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ccit.records import Sample
from ccit.training.mixture import pick, pick_evenly, split, training_order

IDS = st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=40, unique=True)
SEEDS = st.integers(0, 2**63 - 1)


@given(IDS, st.floats(0.01, 0.99), SEEDS)
def test_a_split_is_a_partition_that_keeps_the_order(ids: list[str], share: float, seed: int) -> None:
    training, validation = split(ids, share, seed)
    assert sorted((*training, *validation)) == sorted(ids)
    assert training
    assert list(training) == [i for i in ids if i in set(training)]
    assert validation or len(ids) == 1


@given(IDS, SEEDS, st.randoms(use_true_random=False))
def test_what_is_held_out_does_not_depend_on_arrival(ids: list[str], seed: int, rng: Random) -> None:
    held_out = set(split(ids, 0.3, seed)[1])
    rng.shuffle(ids)
    assert set(split(ids, 0.3, seed)[1]) == held_out


@given(IDS, st.integers(0, 100), SEEDS)
def test_picks_are_as_even_as_can_be(ids: list[str], n: int, seed: int) -> None:
    counts = Counter(pick(ids, n, seed, ""))
    assert counts.total() == n
    assert max(counts.values(), default=0) - min((counts[i] for i in ids), default=0) <= 1


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from("abc")), max_size=60), st.integers(0, 70), SEEDS)
def test_replay_repeats_nothing_and_is_even(past: list[tuple[int, str]], n: int, seed: int) -> None:
    history = [Sample(f"{g}{i}", "", "", "en", "", "", group=g) for i, g in past]
    available = Counter(s.group for s in {s.sample_id: s for s in history}.values())
    picked = pick_evenly(history, n, seed, "")
    assert len(set(picked)) == len(picked) == min(n, available.total())
    taken = Counter(i[0] for i in picked)
    unfinished = [g for g in available if taken[g] < available[g]]
    assert all(taken[g] >= max(taken.values(), default=0) - 1 for g in unfinished)


@given(st.integers(0, 50), st.integers(0, 3), SEEDS)
def test_an_epoch_visits_everything_once(n: int, epoch: int, seed: int) -> None:
    assert sorted(training_order(n, epoch, seed)) == list(range(n))


@given(st.integers(100, 400), st.integers(1, 100), st.integers(2, 8), st.integers(1, 3), SEEDS)
def test_rounds_together_touch_as_many_samples_as_independent_draws_do(
    size: int, drawn: int, rounds: int, groups: int, seed: int
) -> None:
    """Ten rounds of 225 touched 654 of 10,000 when each round drew alike; independent draws touch 2,036."""
    size -= size % groups  # groups of equal size, of which equal shares are drawn
    drawn -= drawn % groups
    history = [Sample(f"s{i}", "", "", "en", "", "", group=str(i % groups)) for i in range(size)]
    ids = [sample.sample_id for sample in history]
    untouched = (1 - drawn / size) ** rounds
    tolerance = 6 * sqrt(size * untouched * (1 - untouched)) + 1  # six standard deviations
    for picks in (
        [pick(ids, drawn, seed, f"round {k}") for k in range(rounds)],
        [pick_evenly(history, drawn, seed, f"round {k}") for k in range(rounds)],
    ):
        touched = {i for one in picks for i in one}
        assert abs(len(touched) - size * (1 - untouched)) <= tolerance


@given(IDS, st.integers(0, 100), st.text(max_size=5), SEEDS)
def test_no_sample_is_repeated_more_often_than_it_must_be(ids: list[str], n: int, salt: str, seed: int) -> None:
    assert max(Counter(pick(ids, n, seed, salt)).values(), default=0) <= ceil(n / len(ids))
    history = [Sample(i, "", "", "en", "", "") for i in ids]
    assert max(Counter(pick_evenly(history, n, seed, salt)).values(), default=0) <= 1
