"""Suites of questions, read from JSONL.

A row is either a question `{question_id, group, prompt, answer, choices}` or an instruction row as the stream carries
it (`ccit/ingest/rows.py`). Of the latter, three forms are known:

* the input ends in lines `A. ...`, `B. ...` and the output begins with one of these letters: the lines are the choices;
* `meta.decision` is yes, no or maybe, and the output begins with it: these three are the choices;
* anything else is answered freely and graded against the output (`evaluation.metric`).

The earlier turns of a conversation stand before the question as text (`User: ...`, `Assistant: ...`), so that "And for
children?" can be answered.

A row whose output is empty asks nothing and is passed over (public sets have such rows); any other fault is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ccit.config import Evaluation as Settings
from ccit.errors import ConfigError, InputError
from ccit.events import first_fault, parse_json
from ccit.ingest.rows import record_from_row, sample_from_record
from ccit.records import Question, Sample, Suites, digest_of

_QUESTION = TypeAdapter(Question)
_OPTION = re.compile(r"^([A-Z])[.)][ \t]+(?=\S)", re.MULTILINE)
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
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if len(questions) == limit:
                    break
                question = _read(line, f"{path}, line {number}") if line.strip() else None
                if question is not None:
                    questions.append(question)
    except OSError as error:
        raise ConfigError(
            f"expected a suite of questions at {path}, but it cannot be read: {error.strerror}"
        ) from error
    _refuse_repeats(questions, path)
    return questions


def _read(line: bytes, where: str) -> Question | None:
    try:
        row = parse_json(line)
        if isinstance(row, dict) and "question_id" in row:
            return _checked(_QUESTION.validate_python(row))
        if isinstance(row, dict):
            return None if row.get("output") == "" else question_from_row(row)
    except InputError as error:
        raise ConfigError(f"{where} is neither a question nor an instruction row: {error}") from error
    except ValidationError as error:
        raise ConfigError(f"{where} is not a question: {first_fault(error)}") from error
    raise ConfigError(f"{where} is not a question: expected a JSON object, found {type(row).__name__}")


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
        The row is not a valid instruction row.

    >>> row = {"instruction": "Choose.", "input": "2 + 2?\\nA. 3\\nB. 4", "output": "B. 4"}
    >>> question = question_from_row(row)
    >>> question.choices, question.answer
    (('A. 3', 'B. 4'), 'B. 4')
    """
    record = record_from_row(row, received_at=0.0)
    sample = sample_from_record(record)
    meta = row.get("meta") or {}
    group = sample.group or str(meta.get("subject") or sample.source)
    prompt, choices = _asked(sample), _lettered(sample.instruction)
    by_letter = next((c for c in choices if re.match(rf"{c[0]}\b", sample.response)), None)
    if by_letter is not None:
        return Question(record.record_id, group, prompt, by_letter, choices)
    decision = meta.get("decision")
    if decision in _DECISIONS and sample.response.startswith(decision):
        return Question(record.record_id, group, prompt, decision, _DECISIONS)
    return Question(record.record_id, group, prompt, sample.response)


def _asked(sample: Sample) -> str:
    turns = [f"User: {turn.user}\nAssistant: {turn.assistant}" for turn in sample.history]
    return "\n".join([*turns, f"User: {sample.instruction}"]) if turns else sample.instruction


def _lettered(prompt: str) -> tuple[str, ...]:
    """The options `A. ...` to the last letter at the end of a prompt, as `A. text`; empty when there are not two."""
    marks = list(_OPTION.finditer(prompt))
    starts = [i for i, mark in enumerate(marks) if mark[1] == "A"]
    run = marks[starts[-1] :] if starts else []
    if len(run) < 2 or [m[1] for m in run] != [chr(ord("A") + i) for i in range(len(run))]:
        return ()
    ends = [m.start() for m in run[1:]] + [len(prompt)]
    return tuple(f"{m[1]}. {prompt[m.end() : end].strip()}" for m, end in zip(run, ends, strict=True))


def questions_from_samples(samples: Iterable[Sample]) -> tuple[Question, ...]:
    """Free questions made of a round's validation part, for a line of versions that has no domain suite."""
    return tuple(Question(s.sample_id, s.group or s.source, _asked(s), s.response) for s in samples)


def questions_digest(questions: Iterable[Question]) -> str:
    """SHA-256 (hex) over every question: answers to other questions are never compared."""
    return digest_of([asdict(question) for question in questions])


def suites_digest(suites: Suites) -> str:
    """SHA-256 (hex) over the names of all suites and every question in them."""
    return digest_of({name: questions_digest(suites[name]) for name in sorted(suites) if suites[name]})
