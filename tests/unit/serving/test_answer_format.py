from typing import Any

import pytest
from pydantic import ValidationError

from ccit.serving.answer_format import ResponseFormat
from ccit.serving.refusals import RequestRefused

NAMED: dict[str, Any] = {"name": "dose", "schema": {"type": "object"}}


def test_a_named_schema_is_passed_on() -> None:
    asked = ResponseFormat.model_validate({"type": "json_schema", "json_schema": {**NAMED, "strict": True}})
    assert asked.schema_text() == '{"type":"object"}'


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "json_schema"},
        {"type": "text", "json_schema": NAMED},
        {"type": "json_schema", "json_schema": {**NAMED, "grammar": "x"}},
        {"type": "json_schema", "json_schema": {**NAMED, "schema": {"type": "wizard"}}},
        {"type": "json_schema", "json_schema": {**NAMED, "schema": {"enum": ["x" * 100_000]}}},
        {"type": "json_object", "schema": {}},
    ],
)
def test_what_cannot_be_followed_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(RequestRefused):
        ResponseFormat.model_validate(wrong).schema_text()


def test_an_unknown_type_is_a_fault_of_the_field() -> None:
    with pytest.raises(ValidationError):
        ResponseFormat.model_validate({"type": "xml"})
