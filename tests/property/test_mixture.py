from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ccit.records import Sample
from ccit.training.mixture import pick, pick_replay, split, training_order

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
    counts = Counter(pick(ids, n, seed))
    assert counts.total() == n
    assert max(counts.values(), default=0) - min((counts[i] for i in ids), default=0) <= 1


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from("abc")), max_size=60), st.integers(0, 70), SEEDS)
def test_replay_repeats_nothing_and_is_even(past: list[tuple[int, str]], n: int, seed: int) -> None:
    history = [Sample(f"{g}{i}", "", "", "en", "", "", group=g) for i, g in past]
    available = Counter(s.group for s in {s.sample_id: s for s in history}.values())
    picked = pick_replay(history, n, seed)
    assert len(set(picked)) == len(picked) == min(n, available.total())
    taken = Counter(i[0] for i in picked)
    unfinished = [g for g in available if taken[g] < available[g]]
    assert all(taken[g] >= max(taken.values(), default=0) - 1 for g in unfinished)


@given(st.integers(0, 50), st.integers(0, 3), SEEDS)
def test_an_epoch_visits_everything_once(n: int, epoch: int, seed: int) -> None:
    assert sorted(training_order(n, epoch, seed)) == list(range(n))
