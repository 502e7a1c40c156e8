from dataclasses import fields, replace
from typing import Any

from ccit.evaluation.metrics.exact_match import ExactMatch
from ccit.evaluation.metrics.rouge_l import RougeL
from ccit.evaluation.stamp import AnswerStamp, code_digest_of, libraries

STAMP = AnswerStamp("r", "cpu", "float32", "{{ x }}", "{}", 128, 64, "c", "torch 2")


def test_each_part_changes_the_stamp() -> None:
    other: dict[str, Any] = {f.name: 7 if f.name.startswith("max_") else "other" for f in fields(STAMP)}
    changed = {replace(STAMP, **{name: value}).digest for name, value in other.items()}
    assert len(changed | {STAMP.digest}) == len(other) + 1


def test_the_code_is_that_of_the_rooms_and_of_the_grader_itself() -> None:
    assert code_digest_of(RougeL) == code_digest_of(RougeL)
    assert code_digest_of(RougeL) != code_digest_of(ExactMatch)


def test_the_libraries_have_their_versions() -> None:
    assert {entry.split()[0] for entry in libraries().split(", ")} >= {"python", "torch", "transformers", "rouge-score"}
