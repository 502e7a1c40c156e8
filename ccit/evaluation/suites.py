"""Suites of questions, read from JSONL.

A row is either a question `{question_id, group, prompt, answer, choices}` or an instruction row as the stream carries
it (`ccit/ingest/rows.py`). Of the latter, three forms are known:

* the input ends in lines `A. ...`, `B. ...`: they are the choices, and the output must name one (`options.py`);
* `meta.decision` is yes, no or maybe, and the output begins with it: these three are the choices;
* anything else is answered freely and graded against the output (`evaluation.metric`).

The system text and the earlier turns of a conversation stand before the question as text (`System: ...`, `User: ...`,
`Assistant: ...`), so that "And for children?" can be answered.

A row whose output is empty asks nothing and is passed over (public sets have such rows); any other fault is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ccit.bounds import stopping_at_first_fault
from ccit.config import Evaluation as Settings
from ccit.errors import ConfigError, InputError
from ccit.evaluation.options import option_named, options_at_end
from ccit.events import first_fault
from ccit.ingest.files import numbered_lines_of
from ccit.ingest.rows import record_from_row, sample_from_record
from ccit.ingest.strict import parse_strict
from ccit.records import Question, Sample, Suites, digest_of

_QUESTION = stopping_at_first_fault(TypeAdapter(Question))
_ANSWERS = ("output", "response", "completion", "answer")
_DECISIONS = ("yes", "no", "maybe")


def load_suites(settings: Settings) -> Suites:
    """Read every suite that is set.

    Raises
    ------
    ConfigError
        A file cannot be read, or a row in it is not a question; the message names file and line.
    """
    return {name: tuple(read_questions(Path(path), settings.max_questions)) for name, path in settings.suites.items()}


def read_questions(path: Path, limit: int) -> list[Question]:
    """The first `limit` questions of a JSONL file; blank lines are skipped."""
    questions: list[Question] = []
    for number, line in numbered_lines_of(path):
        if len(questions) == limit:
            break
        question = _read(line, f"{path}, line {number}")
        if question is not None:
            questions.append(question)
    _refuse_repeats(questions, path)
    return questions


def _read(line: bytes, where: str) -> Question | None:
    try:
        row = parse_strict(line)
        if isinstance(row, dict) and "question_id" in row:
            return _checked(_QUESTION.validate_python(row))
        if isinstance(row, dict):
            return None if _asks_nothing(row) else question_from_row(row)
    except InputError as error:
        raise ConfigError(f"{where} is neither a question nor an instruction row: {error}") from error
    except ValidationError as error:
        raise ConfigError(f"{where} is not a question: {first_fault(error)}") from error
    raise ConfigError(f"{where} is not a question: expected a JSON object, found {type(row).__name__}")


def _asks_nothing(row: dict[str, Any]) -> bool:
    answers = [row[column] for column in _ANSWERS if column in row]
    return bool(answers) and all(answer in ("", None) for answer in answers)


def _checked(question: Question) -> Question:
    if question.choices and question.answer not in question.choices:
        raise InputError("wrong_schema", "the answer is not among the choices")
    return question


def _refuse_repeats(questions: Sequence[Question], path: Path) -> None:
    seen: set[str] = set()
    for question in questions:
        if question.question_id in seen:
            raise ConfigError(f"{path} asks question {question.question_id!r} twice; give each row its own id")
        seen.add(question.question_id)


def question_from_row(row: dict[str, Any]) -> Question:
    """Turn an instruction row into a question.

    Raises
    ------
    InputError
        The row is not a valid instruction row, or has options of which its output does not name one.

    >>> row = {"instruction": "Choose.", "input": "2 + 2?\\nA. 3\\nB. 4", "output": "B. 4"}
    >>> question = question_from_row(row)
    >>> question.choices, question.answer
    (('A. 3', 'B. 4'), 'B. 4')
    """
    record = record_from_row(row, received_at=0.0)
    sample = sample_from_record(record)
    meta = row.get("meta") or {}
    group = sample.group or str(meta.get("subject") or sample.source)
    prompt, choices = _asked(sample), options_at_end(sample.instruction)
    if choices:
        return Question(record.record_id, group, prompt, option_named(sample.response, choices), choices)
    decision = meta.get("decision")
    if decision in _DECISIONS and sample.response.startswith(decision):
        return Question(record.record_id, group, prompt, decision, _DECISIONS)
    return Question(record.record_id, group, prompt, sample.response)


def _asked(sample: Sample) -> str:
    before = [f"System: {sample.system}"] if sample.system else []
    before += [f"User: {turn.user}\nAssistant: {turn.assistant}" for turn in sample.history]
    return "\n".join([*before, f"User: {sample.instruction}"]) if before else sample.instruction


def questions_from_samples(samples: Iterable[Sample]) -> tuple[Question, ...]:
    """Free questions made of a round's validation part, for a line of versions that has no domain suite."""
    return tuple(Question(s.sample_id, s.group or s.source, _asked(s), s.response) for s in samples)


def questions_digest(questions: Iterable[Question]) -> str:
    """SHA-256 (hex) over every question: answers to other questions are never compared."""
    return digest_of([asdict(question) for question in questions])


def suites_digest(suites: Suites) -> str:
    """SHA-256 (hex) over the names of all suites and every question in them."""
    return digest_of({name: questions_digest(suites[name]) for name in sorted(suites) if suites[name]})
