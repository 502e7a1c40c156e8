import pytest

from ccit.simulation import everyday, phrasing
from ccit.simulation.world import GROUPS, VALUES, Attribute, complaints, conditions


def test_every_condition_has_one_value_per_attribute_and_its_name_is_unique() -> None:
    everyone = conditions() + complaints()
    assert len({c.name for c in everyone}) == len(everyone)
    for condition in everyone:
        assert all(condition.value(a) in VALUES[a] for a in Attribute)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("attribute", list(Attribute))
def test_no_two_conditions_of_a_wave_share_a_value(group: str, attribute: Attribute) -> None:
    values = [c.value(attribute) for c in conditions(group)]
    assert len(set(values)) == len(values) == 8


def test_no_name_is_part_of_another() -> None:
    words = [c.name for c in conditions() + complaints()] + [v for values in VALUES.values() for v in values]
    assert not [(a, b) for a in words for b in words if a != b and f" {a} " in f" {b} "]


@pytest.mark.parametrize("attribute", list(Attribute))
def test_held_out_phrasings_are_not_the_streams(attribute: Attribute) -> None:
    assert not set(phrasing.HELD_OUT_QUESTIONS[attribute]) & set(phrasing.STREAM_QUESTIONS[attribute])
    assert all(t.count("{value}") == 1 for t in phrasing.LEADS[attribute])


def test_everyday_facts_have_one_answer_each() -> None:
    facts = everyday.everyday_facts()
    assert len({(f.topic.name, f.key) for f in facts}) == len(facts)
    for topic in everyday.TOPICS:
        assert len(topic.values()) >= 6
        assert not set(topic.questions) & set(topic.suite_questions)
