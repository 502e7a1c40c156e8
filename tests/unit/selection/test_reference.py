from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ccit.selection.reference import Reference

values = st.tuples(st.integers(0, 7), st.sampled_from(["en", "zh"]), st.floats(0, 1), st.floats(-2, 2))


@given(st.lists(values, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_the_values_changes_nothing(added: list[tuple[int, str, float, float]], order: object) -> None:
    one, other = Reference(), Reference()
    for value in added:
        one.add(*value, size=3)
    order.shuffle(added)  # type: ignore[attr-defined]  # Hypothesis' random.Random
    for value in added:
        other.add(*value, size=3)
    assert one == other


def test_it_stays_small() -> None:
    reference = Reference()
    for number in range(1000):
        reference.add(number // 100, "en", (number * 7919 % 1000) / 1000, float(number), size=16)
    assert sorted(reference.sketches) == [6, 7, 8, 9]
    assert {len(strata["en"]) for strata in reference.sketches.values()} == {16}


def test_a_rare_stratum_borrows_values_and_a_new_version_does_not() -> None:
    reference = Reference()
    for number in range(4):
        reference.add(1, "en", number / 4, float(number), size=8)
    reference.add(1, "zh", 0.5, 9.0, size=8)
    assert reference.values(1, "en", least=4) == [0, 1, 2, 3]
    assert reference.values(1, "zh", least=4) == [0, 1, 2, 3, 9]
    assert reference.values(1, "zh", least=6) == []
    assert reference.values(2, "en", least=4) == []
