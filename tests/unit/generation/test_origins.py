"""What a decision says of how its sample was made, whatever a record claims."""

from __future__ import annotations

from typing import Any

import pytest

from ccit.generation.conversation import Made
from ccit.generation.origins import annotations_of
from ccit.generation.replies import Reply
from ccit.generation.rows import generated_row
from ccit.ingest.rows import record_from_row
from ccit.records import Record
from tests.unit.generation.parts import ANSWER, EVIDENCE, body, prompt, source


def claimed(meta: Any) -> dict[str, str]:
    return dict(annotations_of(Record("r", "s", "x", 0.0, {"meta": meta})))


def test_record_prompt_model_and_evidence_of_a_generated_row() -> None:
    row = generated_row(body(), source(), prompt(), Made(Reply("r", "", ANSWER, EVIDENCE), "m@7"))
    said = annotations_of(record_from_row(row, 0.0))
    assert {key.removeprefix("generated.") for key in said} == {
        *("document", "record_digest", "prompt", "prompt_digest", "model", "evidence"),
    }
    assert (said["generated.model"], said["generated.document"]) == ("m@7", "d1")
    assert all(passage in said["generated.evidence"] for passage in EVIDENCE)


@pytest.mark.parametrize("meta", [None, {}, [], "x", {"generated": None}, {"generated": [1]}, {"document": "d1"}])
def test_of_a_row_that_no_model_made_nothing_is_said(meta: Any) -> None:
    assert claimed(meta) == {}


def test_what_is_not_as_we_write_it_is_left_out() -> None:
    odd = {"prompt": 7, "model": "m" * 600, "record_digest": "", "evidence": ["x", 7], "more": "x"}
    assert claimed({"document": ["d"], "generated": odd}) == {}
    assert claimed({"generated": {"evidence": ["x" * 20_000], "model": "m"}}) == {"generated.model": "m"}
