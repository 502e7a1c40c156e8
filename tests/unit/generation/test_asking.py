"""A request is named by all that its answer depends on."""

from __future__ import annotations

from dataclasses import replace

from ccit.generation.asking import Request, RequestSampling
from ccit.generation.replies import schema
from tests.unit.generation.parts import prompt, source

ONE = Request(RequestSampling("m"), prompt().messages(source()), schema(False))


def test_prompt_record_model_sampling_schema_and_attempt_are_in_its_name() -> None:
    others = [
        replace(ONE, messages=prompt("plan.v1").messages(source())),
        replace(ONE, messages=prompt().messages(source("Another."))),
        *(
            replace(ONE, sampling=s)
            for s in (RequestSampling("n"), RequestSampling("m", 7), RequestSampling("m", seed=1))
        ),
        replace(ONE, sampling=RequestSampling("m", temperature=0.5)),
        replace(ONE, schema=schema(True)),
        replace(ONE, attempt=1),
    ]
    assert len({one.digest for one in (ONE, *others)}) == len(others) + 1
    assert replace(ONE).digest == ONE.digest


def test_it_takes_no_more_tokens_than_its_bytes_and_the_reply() -> None:
    assert ONE.most_tokens >= sum(len(m["content"]) for m in ONE.messages) + ONE.sampling.max_tokens
