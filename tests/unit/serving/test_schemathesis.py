"""Requests made from the published document, valid and not: nothing that it admits is a failure of the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

if TYPE_CHECKING:
    from tests.unit.serving.conftest import Running, Serve

VALID, WRONG = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
BODIES = ("/v1/chat/completions", "/v1/completions", "/v1/score")


@pytest.fixture(scope="module")
def running(serve: Serve) -> Iterator[Running]:
    with serve(max_new_tokens=4) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "method", "mode"),
    [("/v1/models/{name}", "GET", VALID), *((path, "POST", mode) for path in BODIES for mode in (VALID, WRONG))],
)
def test_what_is_made_from_the_document_is_answered_or_refused_as_it_says(
    running: Running, path: str, method: str, mode: GenerationMode
) -> None:
    """What holds across fields (`top_logprobs` wants `logprobs`) is refused, and no schema says it."""
    found = schemathesis.openapi.from_url(f"{running.server.url}/openapi.json")

    @seed(20261127)
    @settings(
        max_examples=10,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=found[path][method].as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        if mode is VALID and isinstance(case.body, dict):
            case.body["model"] = "ccit"
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    ask()
    assert running.client().models.list().data
