"""What the page of the server says of fields, against the code. What each does: `test_fields.py`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ccit.serving.protocol import ChatRequest, CompletionRequest, parse, parse_model
from ccit.serving.refusals import RequestRefused

PAGE = Path(__file__).parents[3] / "docs/serving.md"


def test_the_page_has_a_row_for_every_field_and_none_besides() -> None:
    rows = [line.split("|")[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    told = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
    fields = {*ChatRequest.model_fields, *CompletionRequest.model_fields} - {"model"}
    assert fields <= told
    for name in told - fields:
        assert parse(CompletionRequest, b'{"model": "x", "prompt": "x", "' + name.encode() + b'": "x"}')


@pytest.mark.parametrize(("name", "number"), [("ccit", None), ("ccit@3", 3), ("ccit@0", 0), ("base", 0)])
def test_a_model_is_the_alias_a_version_or_the_base(name: str, number: int | None) -> None:
    assert parse_model(name, "ccit") == number


def test_an_alias_is_not_taken_for_another() -> None:
    with pytest.raises(RequestRefused, match="does not exist"):
        parse_model("ccit2@1", "ccit")
