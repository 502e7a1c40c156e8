"""Every field of a request through a real client: what it does to the answer, or the sentence that refuses it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from ccit.models.causal import CausalModel

if TYPE_CHECKING:
    from tests.unit.serving.conftest import Running, Serve

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
GREEDY: dict[str, Any] = {"model": "ccit", "messages": HELLO, "max_tokens": 12, "temperature": 0}
DOSE = {"type": "object", "properties": {"mg": {"enum": [5, 10]}}, "required": ["mg"], "additionalProperties": False}
SCHEMA: Any = {"type": "json_schema", "json_schema": {"name": "dose", "schema": DOSE, "strict": True}}


@pytest.fixture(scope="module")
def running(serve: Serve) -> Iterator[Running]:
    with serve() as running:
        yield running


@pytest.fixture(scope="module")
def client(running: Running) -> OpenAI:
    return running.client()


def said(client: OpenAI, **asked: Any) -> str:
    text: str | None = client.chat.completions.create(**{**GREEDY, **asked}).choices[0].message.content
    assert text is not None
    return text


def test_n_choices_are_those_of_as_many_seeds(client: OpenAI) -> None:
    drawn: Any = {**GREEDY, "temperature": 1.0, "seed": 7, "n": 3}
    whole = client.chat.completions.create(**drawn)
    alone = [said(client, temperature=1.0, seed=seed) for seed in (7, 8, 9)]
    assert [choice.message.content for choice in whole.choices] == alone
    assert len(set(alone)) == 3
    assert whole.usage is not None
    chunks = list(client.chat.completions.create(**drawn, stream=True, stream_options={"include_usage": True}))
    streamed = ["", "", ""]
    for chunk in chunks[:-1]:
        streamed[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert streamed == alone
    assert chunks[-1].usage == whole.usage


@pytest.mark.parametrize(
    "wish",
    [
        {"presence_penalty": 2},
        {"frequency_penalty": 2},
        {"extra_body": {"repetition_penalty": 5.0}},
        {"logit_bias": {"77": 100}},
    ],
)
def test_what_moves_logits_moves_a_greedy_answer(client: OpenAI, wish: dict[str, Any]) -> None:
    assert said(client, **wish, max_tokens=60) != said(client, max_tokens=60)


@pytest.mark.parametrize(
    "wish", [{"top_k": 1}, {"min_p": 1.0}, {"top_p": 1e-9, "top_k": 0}, {"top_p": 1e-9, "top_k": -1}]
)
def test_who_draws_from_the_likeliest_alone_gets_the_greedy_answer(client: OpenAI, wish: dict[str, Any]) -> None:
    top_p = wish.pop("top_p", 1)
    assert said(client, temperature=2.0, top_p=top_p, extra_body=wish) == said(client)


def test_min_tokens_puts_the_end_off(client: OpenAI, base: CausalModel) -> None:
    ending: Any = {**GREEDY, "logit_bias": {str(base.tokenizer.eos_token_id): 100}}
    for least in (0, 5):
        answer = client.chat.completions.create(**ending, extra_body={"min_tokens": least})
        assert answer.usage is not None
        assert (answer.usage.completion_tokens, answer.choices[0].finish_reason) == (least + 1, "stop")


def test_logprobs_name_each_token_and_its_rivals(client: OpenAI) -> None:
    asked: Any = {**GREEDY, "logprobs": True, "top_logprobs": 3}
    choice = client.chat.completions.create(**asked).choices[0]
    assert choice.logprobs is not None
    assert choice.logprobs.content is not None
    told = choice.logprobs.content
    assert len(told) == 12
    joined = b"".join(bytes(one.bytes or ()) for one in told)
    assert joined.decode(errors="replace") == choice.message.content
    for one in told:
        assert one.top_logprobs[0].logprob == one.logprob <= 0
        assert len(one.top_logprobs) == 3
    streamed = [
        one
        for chunk in client.chat.completions.create(**asked, stream=True)
        if chunk.choices[0].logprobs
        for one in chunk.choices[0].logprobs.content or ()
    ]
    assert [one.token for one in streamed] == [one.token for one in told]


def test_logprobs_of_a_completion_are_lists_and_do_not_depend_on_the_draw(client: OpenAI) -> None:
    asked: Any = {"model": "ccit", "prompt": "Once", "max_tokens": 6, "logprobs": 2}
    cold = client.completions.create(**asked, temperature=0).choices[0].logprobs
    hot = client.completions.create(**asked, temperature=1.5, extra_body={"top_k": 1}).choices[0].logprobs
    assert cold is not None
    assert hot is not None
    assert cold.tokens == hot.tokens
    assert cold.token_logprobs == pytest.approx(hot.token_logprobs, abs=1e-4)
    assert cold.text_offset == [sum(map(len, (cold.tokens or [])[:n])) for n in range(6)]


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_held_to_its_schema(client: OpenAI, stream: bool) -> None:
    asked: Any = {**GREEDY, "temperature": 1.5, "max_tokens": 40, "response_format": SCHEMA, "stream": stream}
    for seed in range(3):
        answer: Any = client.chat.completions.create(**asked, seed=seed)
        if stream:
            text = "".join(chunk.choices[0].delta.content or "" for chunk in answer)
        else:
            text = answer.choices[0].message.content
            assert answer.choices[0].finish_reason == "stop"
        assert json.loads(text) in ({"mg": 5}, {"mg": 10})


def test_any_object_is_json_from_its_first_character(client: OpenAI) -> None:
    assert said(client, response_format={"type": "json_object"}).startswith("{")
    assert said(client, response_format={"type": "text"}) == said(client)


def test_an_answer_begun_is_continued(client: OpenAI, base: CausalModel) -> None:
    begun = [*HELLO, {"role": "assistant", "content": "Ab"}]
    wish = {"continue_final_message": True, "add_generation_prompt": False}
    answer = client.chat.completions.create(**{**GREEDY, "messages": begun}, extra_body=wish)
    as_ids = [*base.chat.prompt(HELLO), *base.chat.answer("Ab")]
    of_ids = client.completions.create(model="ccit", prompt=as_ids, max_tokens=12, temperature=0)
    assert answer.choices[0].message.content == of_ids.choices[0].text
    assert answer.usage == of_ids.usage
    with pytest.raises(openai.BadRequestError, match="the last one is the user's"):
        client.chat.completions.create(**GREEDY, extra_body=wish)


def test_base_is_the_model_without_an_adapter(client: OpenAI) -> None:
    assert client.chat.completions.create(**{**GREEDY, "model": "base"}).model == "ccit@0"


@pytest.mark.parametrize(
    ("wish", "param"),
    [
        ({"guided_json": {}}, "guided_json"),
        ({"stop_token_ids": [5]}, "stop_token_ids"),
        ({"chat_template_kwargs": {"x": 1}}, "chat_template_kwargs"),
        ({"max_token": 5}, "max_token"),
        ({"reasoning_effort": "low"}, "reasoning_effort"),
        ({"add_generation_prompt": False}, "add_generation_prompt"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"best_of": 2}, "best_of"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"logit_bias": {"99999": 1}}, "logit_bias"),
        ({"logit_bias": {"1": 101}}, "logit_bias"),
        ({"stop": ["x"] * 10_000}, "stop"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": True, "stream_options": {"include_all": True}}, "stream_options.include_all"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        ({"frequency_penalty": 2.1}, "frequency_penalty"),
        ({"top_k": 1.5}, "top_k"),
        ({"min_tokens": 5, "stop": "x"}, "min_tokens"),
        ({"min_tokens": 5, "response_format": {"type": "json_object"}}, "min_tokens"),
    ],
)
def test_what_is_not_done_is_refused_by_name(running: Running, wish: dict[str, Any], param: str) -> None:
    answer = httpx.post(f"{running.server.url}/v1/chat/completions", json=GREEDY | wish)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"].startswith(param)


def test_what_changes_no_answer_is_let_pass(running: Running) -> None:
    idle = {
        **{"user": "ward 7", "metadata": {"a": "b"}, "store": False, "service_tier": "auto", "guided_json": None},
        **{"n": 1, "best_of": 1, "tools": [], "tool_choice": "auto", "parallel_tool_calls": True, "logprobs": False},
        **{"presence_penalty": 0, "logit_bias": {}, "stop": None, "add_generation_prompt": True},
    }
    asked = [httpx.post(f"{running.server.url}/v1/chat/completions", json=GREEDY | wish) for wish in (idle, {})]
    assert [answer.status_code for answer in asked] == [200, 200]
    assert asked[0].json()["choices"] == asked[1].json()["choices"]


def test_an_async_client_is_answered_side_by_side(running: Running) -> None:
    async def several() -> list[str]:
        options: Any = {"base_url": f"{running.server.url}/v1", "api_key": "none", "max_retries": 0}
        async with AsyncOpenAI(**options) as client:

            async def one(seed: int) -> str:
                asked: Any = {**GREEDY, "temperature": 1.0, "seed": seed}
                stream: Any = await client.chat.completions.create(**asked, stream=True)
                return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

            return list(await asyncio.gather(*(one(seed) for seed in range(6))))

    assert asyncio.run(several()) == [said(running.client(), temperature=1.0, seed=seed) for seed in range(6)]
