"""What becomes of one document."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ccit.errors import EndpointUnavailable, InputError
from ccit.generation.asking import Answer, Request, RequestSampling, Unanswered
from ccit.generation.conversation import Ask
from ccit.generation.making import Limits, Model, Outcome, RowMaker
from ccit.generation.prompts import load_prompts
from ccit.generation.source import source_of
from ccit.generation.structured import StructuredTemplates
from tests.unit.generation.parts import ANSWER, NOTE, Scripted, body, constraints, prompt, said, scan

PROMPTS = load_prompts(["summary.v1", "plan.v1"])
FACT: dict[str, Any] = {
    "kind": "medication",
    "title": "Aspirin",
    "fields": {"dosage": "1 per day"},
    "text": "Medication: Aspirin",
}


def maker(ask: Ask | None = None, limits: Limits | None = None) -> RowMaker:
    model = None if ask is None else Model(ask, PROMPTS, constraints(), RequestSampling("m"))
    return RowMaker(limits or Limits(min_record=50), scan().fault, StructuredTemplates(), model)


def generate(ask: Ask) -> Outcome:
    return asyncio.run(maker(ask).generated(body(), prompt()))


def test_a_text_is_a_row_by_itself_and_a_structured_record_two() -> None:
    assert [made.prompt for made in maker().plain(body())] == ["entry"]
    assert [made.prompt for made in maker().plain(body(**FACT))] == ["entry", "medication.v1.en"]
    assert [made.prompt for made in maker(limits=Limits(entries=False)).plain(body(**FACT))] == ["medication.v1.en"]


@pytest.mark.parametrize(
    "changes",
    [{"fields": {"note": "Seen by Dr. Ann Roe."}}, {"title": "Dr. Ann Roe"}, {"text": "Medication of Dr. Ann Roe"}],
)
def test_a_template_that_says_what_may_identify_somebody_gives_no_row(changes: dict[str, Any]) -> None:
    made = maker(limits=Limits(entries=False))
    assert [one.row is not None for one in made.plain(body(**FACT))] == [True]
    (outcome,) = made.plain(body(**(FACT | changes)))
    assert outcome.row is None
    assert outcome.refusal is not None
    assert (outcome.prompt, outcome.refusal.reason) == ("medication.v1.en", "identifying")
    assert [fault.constraint for fault in outcome.faults] == ["identifying"]
    assert "name (1)" in outcome.refusal.detail
    assert "Roe" not in outcome.refusal.detail


TITLED = "Answer the question of the family doctor."


def test_the_first_word_of_an_answer_is_no_name_of_the_doctor_who_asked(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "visit.v1.jinja").write_text(
        "{% block instruction %}{{ fields.asked }}{% endblock %}{% block input %}{% endblock %}"
        "{% block output %}{{ record }}{% endblock %}"
    )
    made = RowMaker(Limits(entries=False), scan().fault, StructuredTemplates(tmp_path))
    assert scan().fault(f"{TITLED}\nGive fluids.", source_of(body())) is not None, "as one text it is taken for one"
    for asked, said_of_it, is_made in (
        (TITLED, "Give fluids.", True),
        (TITLED, "Give fluids, says Dr. Ann Roe.", False),
        ("Ask Dr. Ann Roe.", "Give fluids.", False),
    ):
        (outcome,) = made.plain(body(said_of_it, kind="visit", fields={"asked": asked}))
        assert (outcome.row is not None) is is_made


@pytest.mark.parametrize("changes", [{"status": "withdrawn"}, {"text": " "}])
def test_of_what_is_withdrawn_or_empty_nothing_is_made_and_nobody_is_asked(changes: dict[str, Any]) -> None:
    made = maker(Scripted([]).ask)
    assert made.plain(body(**changes)) == []
    assert made.asked_about(body(**changes)) == made.asked_about(body(**changes), "plan.v1") == ()


def test_a_model_is_asked_about_texts_of_a_length_alone() -> None:
    made = maker(Scripted([]).ask, Limits(min_record=100, max_record=200))
    lengths = {size: len(made.asked_about(body("x" * size))) for size in (99, 100, 200, 201)}
    assert lengths == {99: 0, 100: 2, 200: 2, 201: 0}
    assert [len(made.asked_about(body("肺" * size))) for size in (33, 34, 200, 201)] == [0, 2, 2, 0]
    assert maker().asked_about(body()) == ()


def test_one_prompt_is_asked_again_by_its_name_in_the_record_s_language() -> None:
    made = maker(Scripted([]).ask)
    assert [one.name for one in made.asked_about(body(), "plan.v1")] == ["plan.v1.en"]
    assert [one.name for one in made.asked_about(body("双肺清晰。"), "plan.v1")] == ["plan.v1.zh"]
    with pytest.raises(InputError, match="expected a prompt"):
        made.asked_about(body(), "plan.v2")


def test_a_usable_reply_is_a_row() -> None:
    outcome = generate(Scripted(["Yes.", said()]).ask)
    assert outcome.row is not None
    assert (outcome.row["output"], outcome.prompt, outcome.refusal) == (ANSWER, "summary.v1.en", None)
    assert [fault.constraint for fault in outcome.faults] == ["not_json"]


def test_two_faulty_ones_are_a_refusal_that_names_both_and_quotes_nothing() -> None:
    outcome = generate(Scripted(["Yes.", said(answer=ANSWER + " He takes 40 mg.")]).ask)
    assert outcome.row is None
    assert outcome.refusal is not None
    assert outcome.refusal.reason == "unusable_answer"
    assert "not_json and then numbers" in outcome.refusal.detail
    assert not any(words in outcome.refusal.detail for words in (NOTE[:20], ANSWER[:20], "40"))


def test_a_request_that_is_refused_is_the_document_s_and_a_server_that_is_down_is_not() -> None:
    async def refused(_: Request) -> Answer:
        raise Unanswered("status 400")

    async def down(_: Request) -> Answer:
        raise EndpointUnavailable("no connection")

    outcome = generate(refused)
    assert outcome.refusal is not None
    assert (outcome.row, outcome.refusal.reason) == (None, "unanswered")
    with pytest.raises(EndpointUnavailable):
        generate(down)
