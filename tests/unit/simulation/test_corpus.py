from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.simulation import general_rows, pretraining_exchanges
from ccit.simulation.world import VALUES, Attribute, conditions


@settings(max_examples=10)
@given(seed=st.integers(), count=st.integers(0, 60))
def test_rows_and_exchanges_are_seeded(seed: int, count: int) -> None:
    assert pretraining_exchanges(count, seed) == pretraining_exchanges(count, seed)
    rows = general_rows(count, seed)
    assert rows == general_rows(count, seed)
    assert len({row["id"] for row in rows}) == count
    assert all(row["instruction"] and row["output"] for row in rows)


def test_pretraining_names_every_condition_and_value_but_favours_none() -> None:
    exchanges = pretraining_exchanges(16_000, seed=0)
    for condition in conditions():
        about = [e.answer for e in exchanges if condition.name in e.question]
        drugs = Counter(v for text in about for v in VALUES[Attribute.DRUG] if v in text)
        assert set(drugs) == set(VALUES[Attribute.DRUG])
        assert drugs[condition.value(Attribute.DRUG)] < 0.2 * drugs.total()


def test_some_answers_stand_alone() -> None:
    alone = sum(not e.question for e in pretraining_exchanges(2000, seed=1))
    assert 100 < alone < 250


def test_general_rows_never_speak_of_the_hospitals_conditions() -> None:
    names = [c.name for c in conditions()]
    assert not any(name in row["instruction"] + row["output"] for row in general_rows(500, 2) for name in names)
