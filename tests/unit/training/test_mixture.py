from ccit.records import Sample
from ccit.training.mixture import pick, pick_evenly, split, weighted_order


def sample(name: str, group: str, source: str = "ward") -> Sample:
    return Sample(name, name, source, "en", "Why?", "Because.", group=group)


def test_the_published_split_is_nine_to_one() -> None:
    training, validation = split([str(i) for i in range(1000)], 0.1, seed=3)
    assert (len(training), len(validation)) == (900, 100)


def test_one_sample_is_trained_on() -> None:
    assert split(["only"], 0.1, seed=0) == (("only",), ())
    assert split([], 0.1, seed=0) == ((), ())


def test_another_seed_holds_out_others() -> None:
    ids = [str(i) for i in range(100)]
    assert split(ids, 0.1, seed=0)[1] != split(ids, 0.1, seed=1)[1]


def test_replay_gives_a_small_group_its_share() -> None:
    history = [sample(f"big{i}", "big") for i in range(1000)] + [sample(f"small{i}", "small") for i in range(10)]
    picked = pick_evenly(history, 20, seed=0, salt="")
    assert sum(i.startswith("small") for i in picked) == 10
    picked = pick_evenly(history, 50, seed=0, salt="")
    assert sum(i.startswith("small") for i in picked) == 10
    assert len(picked) == 50


def test_replay_without_groups_is_even_over_sources() -> None:
    history = [sample(f"a{i}", "", "a") for i in range(100)] + [sample(f"b{i}", "", "b") for i in range(9)]
    assert sum(i.startswith("b") for i in pick_evenly(history, 10, seed=0, salt="")) == 5


def test_general_data_starts_over_only_when_all_is_used() -> None:
    picked = pick(["a", "b", "c"], 7, seed=0, salt="")
    assert set(picked[:3]) == set(picked[3:6]) == {"a", "b", "c"}
    assert pick([], 5, seed=0, salt="") == ()


def test_of_two_the_heavier_comes_first_in_proportion_to_its_weight() -> None:
    """3 of 4 in 2000 orders, within five standard deviations of 19.4; the order of the ids does not matter."""
    orders = [weighted_order({"a": 1.0, "b": 3.0}, 0, str(n)) for n in range(2000)]
    assert abs(sum(order[0] == "b" for order in orders) - 1500) < 97
    assert orders == [weighted_order({"b": 3.0, "a": 1.0}, 0, str(n)) for n in range(2000)]
