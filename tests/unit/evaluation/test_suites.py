import json
from pathlib import Path
from typing import Any

import pytest

from ccit.config import Evaluation
from ccit.errors import ConfigError
from ccit.evaluation.suites import (
    load_suites,
    question_from_row,
    questions_from_samples,
    read_questions,
    suites_digest,
)
from ccit.records import Question, Sample, Turn

OPTIONS = {
    "instruction": "Choose.",
    "input": "Which nerve?\nA. Facial\nB. Vagus\nC. Both",
    "output": "B. Vagus\nWhy so",
}


def write(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows), encoding="utf-8")
    return path


def test_options_in_the_input_become_choices() -> None:
    question = question_from_row({**OPTIONS, "meta": {"subject": "Anatomy"}})
    assert question.choices == ("A. Facial", "B. Vagus", "C. Both")
    assert question.answer == "B. Vagus"
    assert question.group == "Anatomy"


def test_an_earlier_list_in_the_text_is_not_taken_for_the_options() -> None:
    question = question_from_row({**OPTIONS, "input": "Given:\nA. fever\nB. rash\n\nWhich?\nA. Measles\nB. Gout"})
    assert question.choices == ("A. Measles", "B. Gout")


def test_an_option_may_span_lines() -> None:
    question = question_from_row({**OPTIONS, "input": "Which?\nA. One\nmore\nB. Two", "output": "A. One more"})
    assert question.choices == ("A. One\nmore", "B. Two")


@pytest.mark.parametrize("answer", ["E. None", "Because it is", "Bleeding"])
def test_an_answer_that_names_no_option_is_refused_by_its_line(tmp_path: Path, answer: str) -> None:
    path = write(tmp_path / "s.jsonl", {**OPTIONS, "id": 1}, "", {**OPTIONS, "output": answer})
    with pytest.raises(ConfigError, match=r"s\.jsonl, line 3 .* begin with its letter"):
        read_questions(path, limit=10)


def test_other_forms_of_rows_are_questions_too(tmp_path: Path) -> None:
    said = [{"role": "system", "content": "Weight 20 kg."}, {"role": "user", "content": "Dose?"}]
    rows = [
        {"id": 1, "messages": [*said, {"role": "assistant", "content": "400 mg."}]},
        {"id": 2, "prompt": "Dose?", "completion": "400 mg."},
        {"id": 3, "prompt": "Dose?", "completion": None},
    ]
    asked = read_questions(write(tmp_path / "s.jsonl", *rows), limit=10)
    assert [q.prompt for q in asked] == ["System: Weight 20 kg.\nUser: Dose?", "Dose?"]


def test_a_suite_that_is_no_jsonl_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="one JSON array"):
        read_questions(write(tmp_path / "s.json", json.dumps([OPTIONS])), limit=10)


def test_a_decision_is_a_choice() -> None:
    row = {"instruction": "Answer.", "output": "yes. It does.", "meta": {"decision": "yes"}}
    assert question_from_row(row).answer == "yes"
    assert question_from_row(row).choices == ("yes", "no", "maybe")
    assert question_from_row({**row, "output": "It does."}).choices == ()


def test_both_forms_in_one_file(tmp_path: Path) -> None:
    question = {"question_id": "q#1", "group": "g", "prompt": "Which?", "answer": "b", "choices": ["a", "b"]}
    questions = read_questions(
        write(tmp_path / "s.jsonl", question, "", {**OPTIONS, "output": ""}, {**OPTIONS, "id": 7}), limit=10
    )
    assert questions[0] == Question("q#1", "g", "Which?", "b", ("a", "b"))
    assert questions[1].question_id == "unnamed:7"


def test_the_first_questions_are_taken(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", *({**OPTIONS, "id": i} for i in range(9)))
    assert [q.question_id for q in read_questions(path, limit=2)] == ["unnamed:0", "unnamed:1"]


@pytest.mark.parametrize(
    "row",
    [
        "{not json",
        "[1]",
        {"instruction": "no output"},
        {"question_id": "q", "group": "g", "prompt": "p", "answer": "c", "choices": ["a", "b"]},
        {"question_id": "q", "group": "g", "prompt": "p"},
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, row: Any) -> None:
    path = write(tmp_path / "s.jsonl", {**OPTIONS, "id": 1}, row)
    with pytest.raises(ConfigError, match=r"s\.jsonl, line 2"):
        read_questions(path, limit=10)


def test_a_repeated_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="twice"):
        read_questions(write(tmp_path / "s.jsonl", {**OPTIONS, "id": 1}, {**OPTIONS, "id": 1}), limit=10)


def test_a_missing_file_is_named_and_no_file_is_no_suite(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        load_suites(Evaluation(suites={"domain": str(tmp_path / "nowhere")}))
    assert load_suites(Evaluation()) == load_suites(Evaluation(suites={"domain": ""})) == {}


def test_the_digest_tells_suites_apart() -> None:
    question = Question("q", "g", "p", "a")
    digests = {suites_digest(s) for s in ({"domain": (question,)}, {"general": (question,)}, {})}
    assert len(digests) == 3


def test_samples_can_stand_in_for_a_suite() -> None:
    sample = Sample("s1", "r1", "ward", "en", "Why?", "Because.")
    assert questions_from_samples([sample]) == (Question("s1", "ward", "Why?", "Because."),)


def test_the_earlier_turns_of_a_conversation_stand_before_the_question() -> None:
    asked = "User: Dose?\nAssistant: 5 mg.\nUser: And for children?"
    sample = Sample("s1", "r1", "ward", "en", "And for children?", "2 mg.", (Turn("Dose?", "5 mg."),))
    assert questions_from_samples([sample])[0].prompt == asked
    meta = {"history": [["Dose?", "5 mg."]]}
    assert question_from_row({"instruction": "And for children?", "output": "2 mg.", "meta": meta}).prompt == asked
