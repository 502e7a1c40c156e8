import json
from collections import Counter, defaultdict
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.simulation import SimulatedMessage, Truth, hospital_stream
from ccit.simulation.faults import sentences
from ccit.simulation.stream import DAYS, SHARES, wave_weights
from ccit.simulation.world import GROUPS, Attribute, conditions

RECORDS = 2400


@pytest.fixture(scope="module")
def messages() -> list[SimulatedMessage]:
    return list(hospital_stream(RECORDS, seed=3))


def rows(messages: list[SimulatedMessage], *kinds: Truth) -> list[dict[str, object]]:
    return [json.loads(m.value) for m in messages if m.kind in kinds]


def named(text: str) -> set[str]:
    return {c.name for c in conditions() if c.name in text}


@settings(max_examples=10)
@given(seed=st.integers(), records=st.integers(1, 80), days=st.integers(1, DAYS))
def test_same_arguments_give_the_same_messages(seed: int, records: int, days: int) -> None:
    first = list(hospital_stream(records, seed, days=days))
    assert first == list(hospital_stream(records, seed, days=days))
    assert len(first) == records
    assert [m.day for m in first] == sorted(m.day for m in first)
    assert all(0 <= m.day < days for m in first)


def test_the_stream_is_lazy() -> None:
    assert len(list(islice(hospital_stream(10**9, seed=0), 5))) == 5


def test_another_seed_gives_another_stream() -> None:
    assert list(hospital_stream(50, seed=1)) != list(hospital_stream(50, seed=2))


def test_shares_are_kept(messages: list[SimulatedMessage]) -> None:
    counted = Counter(m.kind for m in messages)
    assert set(SHARES) == set(Truth)
    assert sum(SHARES.values()) == pytest.approx(1)
    for kind, share in SHARES.items():
        assert counted[kind] / RECORDS == pytest.approx(share, abs=0.025)


def test_a_copy_names_the_earlier_sound_record_that_it_was_made_of(messages: list[SimulatedMessage]) -> None:
    row_of = {m.record_id: json.loads(m.value) for m in messages if m.record_id is not None}
    kind_of = {m.record_id: m.kind for m in messages}
    copies = [m for m in messages if m.kind in (Truth.EXACT_DUPLICATE, Truth.NEAR_DUPLICATE)]
    assert copies == [m for m in messages if m.repeats is not None]
    for message in copies:
        assert message.repeats is not None
        copy, original = json.loads(message.value), row_of[message.repeats]
        assert original["id"] < copy["id"]
        assert kind_of[message.repeats] in (Truth.CLEAN, Truth.REDUNDANT)
        alike = [copy[field] == original[field] for field in ("instruction", "output")]
        assert any(alike) if message.kind is Truth.NEAR_DUPLICATE else all(alike)


def test_shares_can_be_chosen() -> None:
    assert {m.kind for m in hospital_stream(60, seed=0, shares={Truth.CLEAN: 1.0})} == {Truth.CLEAN}


def test_every_row_but_garbage_follows_the_schema(messages: list[SimulatedMessage]) -> None:
    ids = set()
    for message in messages:
        if message.kind is Truth.GARBAGE:
            assert message.record_id is None
            continue
        row = json.loads(message.value)
        assert list(row) == ["id", "source", "lang", "instruction", "input", "output", "meta"]
        assert set(row["meta"]) == {"department", "condition", "group", "day"}
        assert message.record_id == f"{row['source']}:{row['id']}"
        assert row["meta"]["day"] == message.day
        ids.add(message.record_id)
    assert len(ids) == sum(m.kind is not Truth.GARBAGE for m in messages)


def test_garbage_is_never_a_row(messages: list[SimulatedMessage]) -> None:
    for message in messages:
        if message.kind is not Truth.GARBAGE:
            continue
        try:
            row = json.loads(message.value)
        except ValueError:
            continue
        assert not (isinstance(row, dict) and isinstance(row.get("output"), str))


def test_the_truth_is_not_in_the_bytes(messages: list[SimulatedMessage]) -> None:
    for message in messages:
        assert str(message.kind).encode() not in message.value or message.kind is Truth.CLEAN
        assert b"kind" not in message.value


def test_sound_records_tell_the_truth(messages: list[SimulatedMessage]) -> None:
    facts = {c.name: [c.value(a) for a in Attribute] for c in conditions()}
    for row in rows(messages, Truth.CLEAN, Truth.REDUNDANT):
        output, meta = str(row["output"]), row["meta"]
        assert isinstance(meta, dict)
        assert any(value in output for value in facts[meta["condition"]])
        assert named(output) <= {meta["condition"]}
        assert len(sentences(output)) >= 2


def test_wrong_answers_give_another_conditions_value(messages: list[SimulatedMessage]) -> None:
    by_name = {c.name: c for c in conditions()}
    for row in rows(messages, Truth.WRONG_ANSWER):
        assert isinstance(row["meta"], dict)
        right = by_name[row["meta"]["condition"]]
        lead = sentences(str(row["output"]))[0]
        assert not any(f" {right.value(a)}" in lead for a in Attribute)
        assert right.name in str(row["instruction"])


def test_damage_is_what_it_says(messages: list[SimulatedMessage]) -> None:
    assert all(len(str(r["output"]).split()) == 1 for r in rows(messages, Truth.ONE_WORD))
    assert all(not str(r["output"]).endswith(".") for r in rows(messages, Truth.TRUNCATED))
    repeated = [sentences(str(r["output"])) for r in rows(messages, Truth.REPETITIVE)]
    assert all(len(s) >= 3 and len(set(s)) == 1 for s in repeated)


def test_duplicates_repeat_something_sent_before(messages: list[SimulatedMessage]) -> None:
    seen: set[tuple[str, str, str]] = set()
    for message in messages:
        if message.kind is Truth.GARBAGE:
            continue
        row = json.loads(message.value)
        text = (row["instruction"], row["input"], row["output"])
        if message.kind is Truth.EXACT_DUPLICATE:
            assert text in seen
        if message.kind is Truth.NEAR_DUPLICATE:
            assert text not in seen or any(text[1] == other[1] for other in seen)
        seen.add(text)


def test_waves_rise_and_fade(messages: list[SimulatedMessage]) -> None:
    by_day: dict[int, Counter[str]] = defaultdict(Counter)
    for message in messages:
        if message.kind in (Truth.CLEAN, Truth.REDUNDANT):
            by_day[message.day][json.loads(message.value)["meta"]["group"]] += 1
    for i, group in enumerate(GROUPS):
        assert by_day[2 * i][group] + by_day[2 * i + 1][group] > sum(by_day[2 * i].values()) / 2
    assert by_day[0][GROUPS[-1]] < 0.1 * sum(by_day[0].values())


@given(st.floats(0, DAYS))
def test_some_wave_is_always_there(time: float) -> None:
    assert max(wave_weights(time).values()) > 0.5
    assert min(wave_weights(time).values()) > 0


def test_fewer_days_show_fewer_waves() -> None:
    groups = Counter(
        json.loads(m.value)["meta"]["group"] for m in hospital_stream(300, 1, days=2) if m.kind is Truth.CLEAN
    )
    assert groups["wave-1"] > 0.6 * groups.total()
