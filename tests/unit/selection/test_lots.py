from __future__ import annotations

from ccit.selection.lots import lot


def test_lots_are_uniform_and_those_of_two_purposes_independent() -> None:
    pairs = [(lot(0, "control", f"s{n}"), lot(0, "filter_lot", f"s{n}")) for n in range(4000)]
    assert abs(sum(first < 0.5 for first, _ in pairs) / 4000 - 0.5) < 0.03  # four standard deviations
    assert abs(sum(first < 0.5 and second < 0.5 for first, second in pairs) / 4000 - 0.25) < 0.03
    assert all(0 <= drawn < 1 for pair in pairs for drawn in pair)


def test_another_seed_draws_others() -> None:
    assert lot(0, "control", "s1") != lot(1, "control", "s1")
