"""What every registered Criterion must do."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.plugins import Plugin
from ccit.ports.evaluation import Criterion, CriterionContext, Evidence
from ccit.records import SuiteResults
from tests.contract.registered import each, made
from tests.judged import answers, evidence, graded, results

CONTEXT = CriterionContext(("domain", "general"))
shares = st.lists(st.floats(0, 1), min_size=0, max_size=30)


def criterion_of(entry: Plugin) -> Criterion:
    made_of: Criterion = made(entry, CONTEXT)
    return made_of


def seen(credits_of: list[float]) -> Evidence:
    def version(shift: int) -> SuiteResults:
        shifted = credits_of[shift:] + credits_of[:shift]
        return results(graded(shifted), graded(shifted[::-1]))

    return evidence(version(0), version(1), version(2))


@each("criterion")
@given(credits_of=shares)
def test_a_criterion_is_pure(entry: Plugin, credits_of: list[float]) -> None:
    criterion = criterion_of(entry)
    first = criterion.finding(seen(credits_of))
    assert criterion.finding(seen(credits_of)) == criterion_of(entry).finding(seen(credits_of)) == first


@each("criterion")
@given(credits_of=shares)
def test_the_order_of_questions_does_not_matter(entry: Plugin, credits_of: list[float]) -> None:
    def backwards(of: SuiteResults) -> SuiteResults:
        return replace(of, answers={name: of.of(name)[::-1] for name in sorted(of.answers, reverse=True)})

    own = seen(credits_of)
    other = replace(own, candidate=backwards(own.candidate), baseline=backwards(own.baseline))
    assert criterion_of(entry).finding(own).outcome == criterion_of(entry).finding(other).outcome


@each("criterion")
def test_a_finding_names_its_criterion_and_gives_one_sentence(entry: Plugin) -> None:
    good, bad = results(answers(900, 999), answers(999, 999)), results(answers(0, 999, 500), (), math.nan)
    bad = replace(bad, answers={**bad.answers, "general": answers(0, 999, 900)})
    for candidate in (good, bad):
        found = criterion_of(entry).finding(evidence(candidate, results(answers(500, 999), answers(900, 999))))
        assert found.criterion == entry.kind
        assert found.why.endswith(".")
        assert found.why[0].isupper() or found.why[0].isdigit()
        assert "\n" not in found.why


@each("criterion")
def test_nothing_asked_holds_nothing_and_ends_nobody(entry: Plugin) -> None:
    empty = SuiteResults({}, 1.0, results().spend)
    assert criterion_of(entry).finding(evidence(empty, empty)).outcome != "hold"


@each("criterion")
@pytest.mark.parametrize("level", [0.95, 0.999])
def test_equal_answers_are_never_held(entry: Plugin, level: float) -> None:
    same = results(answers(500, 999, 100), answers(900, 999, 5))
    own = replace(evidence(same, same), confidence=level, hold_confidence=level)
    assert criterion_of(entry).finding(own).outcome != "hold"


@each("criterion")
def test_a_criterion_travels_to_another_process(entry: Plugin) -> None:
    there = pickle.loads(pickle.dumps(criterion_of(entry)))
    own = seen([0.1, 0.9, 0.5])
    assert there.finding(own) == criterion_of(entry).finding(own)
    assert there.tests == criterion_of(entry).tests >= 0
