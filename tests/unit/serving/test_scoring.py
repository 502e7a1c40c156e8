from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import torch

from ccit.models.causal import CausalModel, with_adapter

if TYPE_CHECKING:
    from tests.unit.serving.conftest import Serve

ASKED: list[Any] = [{"role": "user", "content": "Which dose?"}, {"role": "assistant", "content": "500 mg."}]


def perplexity(causal: CausalModel) -> float:
    """By the loss of transformers."""
    prompt, answer = causal.chat.prompt(ASKED[:1]), causal.chat.answer("500 mg.")
    ids = torch.tensor([[*prompt, *answer]])
    labels = ids.clone()
    labels[0, : len(prompt)] = -100
    with torch.inference_mode():
        return math.exp(float(causal.model(input_ids=ids, labels=labels).loss))


def test_the_perplexity_is_that_of_the_version_asked_for(
    serve: Serve, base: CausalModel, adapters: list[dict[str, bytes]]
) -> None:
    with serve() as running:
        running.slots.load(1, adapters[1])
        url = f"{running.server.url}/v1/score"
        for model, causal in (("base", base), ("ccit@1", with_adapter(base, adapters[1]))):
            answer = httpx.post(url, json={"model": model, "messages": ASKED}).json()
            assert answer["perplexity"] == pytest.approx(perplexity(causal), rel=1e-3)
            assert answer["tokens"] == len(answer["logprobs"]) == 7
            assert answer["mean_logprob"] == pytest.approx(sum(answer["logprobs"]) / 7)
            assert answer["usage"]["completion_tokens"] == 0
            assert answer["model"] == {"base": "ccit@0"}.get(model, model)


@pytest.mark.parametrize(
    "wrong",
    [
        {"messages": ASKED[:1]},
        {"messages": [ASKED[1], ASKED[0]]},
        {"messages": [ASKED[0], {"role": "assistant", "content": None}]},
        {"messages": [ASKED[0], {"role": "assistant", "content": "x" * 30}]},
        {"messages": [ASKED[0], {"role": "assistant", "content": "x" * 3000}]},
        {"temperature": 0.5},
    ],
)
def test_what_holds_no_answer_to_weigh_is_refused(serve: Serve, wrong: dict[str, Any]) -> None:
    with serve(max_new_tokens=20) as running:
        asked = {"model": "ccit", "messages": ASKED} | wrong
        assert httpx.post(f"{running.server.url}/v1/score", json=asked).status_code == 400
