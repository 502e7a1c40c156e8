"""What the page of the server says of fields, against the code. What each does: `test_fields.py`."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.serving.protocol import _NEUTRAL, ChatRequest, CompletionRequest, parse, parse_model
from ccit.serving.refusals import RequestRefused

PAGE = Path(__file__).parents[3] / "docs/serving.md"


def test_the_page_has_a_row_for_every_field_and_none_besides() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("\n## Fields\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
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


LEAVES = st.one_of(
    *(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False)),
    *(st.text(max_size=8), st.sampled_from(["text", "json_schema", "user", "assistant"])),
)
KEYS = st.sampled_from(["type", "text", "role", "content", "name", "schema", "json_schema", "1", "999"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
FIELDS = sorted({*ChatRequest.model_fields, *CompletionRequest.model_fields, *_NEUTRAL})


@pytest.mark.parametrize("kind", [ChatRequest, CompletionRequest])
@settings(max_examples=60, deadline=None)
@given(change=st.dictionaries(st.sampled_from(FIELDS), VALUES, min_size=1, max_size=3))
def test_any_value_of_any_field_is_taken_or_refused(kind: Any, change: dict[str, Any]) -> None:
    whole = {"model": "ccit", "messages": [{"role": "user", "content": "x"}], "prompt": "x"}
    own = {field: value for field, value in whole.items() if field in kind.model_fields}
    with suppress(RequestRefused):
        asked = parse(kind, orjson.dumps(own | change))
        assert len(asked.samplings(5, 100)) == (change.get("n") or 1)
