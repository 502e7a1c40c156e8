from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccit.drift.causes import Named, belongs, cause_of, traits_of
from ccit.ports.drift import Accepted
from ccit.records import Cause
from tests.drifting import accepted

WARDS = ("ward", "clinic", "lab")
MORE = ("fits", "helps", "hurts", "shows", "stays", "grows")


def usual(number: int, centre: float = 0.0) -> Accepted:
    """Three sources in turn; openings and endings vary."""
    one = accepted(number, centre=centre, source=WARDS[number % 3])
    word, other = MORE[number % 6], MORE[(number // 6) % 6]
    sample = replace(one.decision.sample, instruction=f"{word} it {other}?", response=f"{other} it {word}\n{word}.")
    return replace(one, decision=replace(one.decision, sample=sample))


def from_import(number: int) -> Accepted:
    return changed(usual(number), source="import")


def with_template(number: int) -> Accepted:
    one = usual(number)
    return changed(one, response=f"Dear colleague, here: {one.decision.sample.response}")


def changed(one: Accepted, source: str = "", response: str = "", instruction: str = "") -> Accepted:
    old = one.decision.sample
    sample = replace(
        old,
        source=source or old.source,
        response=response or old.response,
        instruction=instruction or old.instruction,
    )
    return replace(one, decision=replace(one.decision, sample=sample))


@pytest.mark.parametrize(
    ("after", "cause"),
    [
        (from_import, "source"),
        (with_template, "form"),
        (usual, "answers"),
        (lambda number: usual(number, centre=1.0), "new_knowledge"),
        (lambda number: with_template(number) if number else usual(number), "form"),
    ],
)
def test_a_cause_is_named_by_what_else_has_changed(after: Callable[[int], Accepted], cause: Cause) -> None:
    before = [traits_of(usual(number)) for number in range(120)]
    found = cause_of(before, [traits_of(after(number)) for number in range(1000, 1040)], seed=0)
    assert found.cause == cause
    assert bool(found.mark) == (cause in ("source", "form"))
    own, other = after(2000).decision.sample, usual(2001).decision.sample
    assert belongs(own, found.cause, found.mark)
    assert belongs(other, found.cause, found.mark) == (cause not in ("source", "form"))


def test_without_questions_there_is_no_telling_what_is_new() -> None:
    def blind(number: int) -> Accepted:
        return Accepted(usual(number, centre=number // 1000).decision)

    before, after = [traits_of(blind(n)) for n in range(60)], [traits_of(blind(n)) for n in range(1000, 1040)]
    assert cause_of(before, after, seed=0) == Named("unclear")


def test_other_questions_weigh_more_than_the_form_of_the_answers() -> None:
    before = [traits_of(usual(number)) for number in range(120)]
    others = [changed(usual(n, centre=1.0), response="As before, see above.") for n in range(1000, 1040)]
    assert cause_of(before, [traits_of(one) for one in others], seed=0) == Named("new_knowledge")
    alike = [changed(one, instruction=f"Re: your order, {one.decision.sample.instruction}") for one in others]
    assert cause_of(before, [traits_of(one) for one in alike], seed=0) == Named("unclear"), "the opening may move them"


def test_a_few_samples_tell_nothing() -> None:
    before = [traits_of(usual(number)) for number in range(60)]
    assert cause_of(before, before[:9], seed=0) == cause_of(before[:9], before, seed=0) == Named("unclear")


def test_no_text_is_remembered() -> None:
    traits = traits_of(changed(usual(0), response="Mrs Smith has measles."))
    assert "smith" not in traits.model_dump_json().lower()
