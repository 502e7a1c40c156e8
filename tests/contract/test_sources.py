"""What every registered Source of a round must do."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.plugins import Plugin
from ccit.ports.rounds import Draft, Source, SourceContext
from ccit.records import Sample
from tests.contract.registered import each
from tests.nouns import sample

ROWS = [sample(1000 + number, source="general") for number in range(400)]
HISTORY = [sample(2000 + number, group=f"g{number % 2}") for number in range(400)]
TRAINING = [sample(number) for number in range(40)]
FIXED = {"fixed_general"}  # all rounds pick the same
salts = st.text(max_size=8)


def rows(path: str) -> Sequence[Sample]:
    assert path
    return ROWS


def source_of(entry: Plugin, seed: int = 0) -> Source:
    """With its defaults, and a file where it reads one."""
    settings = entry.settings(**({"file": "rows.jsonl"} if "file" in entry.settings.model_fields else {}))
    made_of: Source = entry.cls(settings, SourceContext(seed, rows))
    return made_of


def picked(source: Source, salt: str = "round 1", history: Sequence[Sample] = HISTORY) -> list[str]:
    return [one.sample_id for one in source.pick(Draft(TRAINING, history, salt))]


@each("source")
@given(salt=salts, seed=st.integers(0, 2**31))
def test_a_round_that_is_planned_again_picks_the_same(entry: Plugin, salt: str, seed: int) -> None:
    source = source_of(entry, seed)
    assert picked(source, salt) == picked(source, salt) == picked(source_of(entry, seed), salt)


@each("source")
def test_the_order_of_arrival_does_not_matter(entry: Plugin) -> None:
    assert picked(source_of(entry), history=HISTORY[::-1]) == picked(source_of(entry))


@each("source")
def test_each_round_and_each_seed_picks_anew(entry: Plugin) -> None:
    rounds = [set(picked(source_of(entry), f"round {number}")) for number in range(4)]
    assert all(rounds)
    if entry.kind in FIXED:
        assert all(one == rounds[0] for one in rounds)
    else:
        assert all(one != other for one in rounds for other in rounds if one is not other)
    assert set(picked(source_of(entry, seed=1))) != set(picked(source_of(entry)))


@each("source")
@given(salt=salts)
def test_nothing_is_picked_twice_as_long_as_there_is_enough(entry: Plugin, salt: str) -> None:
    ids = picked(source_of(entry), salt)
    assert len(ids) == len(set(ids))


@each("source")
def test_the_texts_come_back_by_their_ids_in_another_process_too(entry: Plugin) -> None:
    source = source_of(entry)
    draft = Draft(TRAINING, HISTORY, "round 1")
    chosen = list(source.pick(draft))
    there: Source = pickle.loads(pickle.dumps(source_of(entry)))
    assert list(there.texts([one.sample_id for one in chosen], HISTORY)) == chosen


@each("source")
def test_a_text_that_is_gone_is_an_error_and_not_a_smaller_part(entry: Plugin) -> None:
    with pytest.raises(KeyError, match="nobody's"):
        source_of(entry).texts([*picked(source_of(entry)), "nobody's"], HISTORY)


@each("source")
def test_where_there_is_nothing_to_pick_the_part_is_empty(entry: Plugin) -> None:
    unset = entry.cls(entry.settings(), SourceContext(0, rows))
    assert list(unset.pick(Draft(TRAINING, [], "round 1"))) == []
    assert list(source_of(entry).pick(Draft([], [], "round 1"))) == []
