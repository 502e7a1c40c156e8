"""The server asked by LangChain's ChatOpenAI: whole, streamed, in a conversation, several at once, and with a form."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import openai
import pytest
from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, SecretStr

if TYPE_CHECKING:
    from tests.unit.serving.conftest import Running, Serve

TOKENS = 12
QUESTION = "Which dose?"


class Dose(BaseModel):
    """The form of an answer; none of its values is longer than the limit of tokens."""

    mg: Literal[5, 10]
    route: Literal["oral", "iv"]


@pytest.fixture(scope="module")
def running(serve: Serve, adapters: list[dict[str, bytes]]) -> Iterator[Running]:
    with serve() as running:
        for number in (1, 2):
            running.slots.load(number, adapters[number])
        running.slots.activate(1)
        yield running


@pytest.fixture
def chat(running: Running, monkeypatch: pytest.MonkeyPatch) -> ChatOpenAI:
    monkeypatch.setenv("LANGSMITH_TRACING", "false")  # a person's own setting would send each call to LangSmith
    return langchain(running, max_completion_tokens=TOKENS)


def langchain(running: Running, **options: Any) -> ChatOpenAI:
    return ChatOpenAI(
        base_url=f"{running.server.url}/v1",
        api_key=SecretStr("none"),
        model="ccit",
        temperature=0,
        max_retries=0,
        timeout=60,
        **options,
    )


def expected(running: Running, messages: list[Any], model: str = "ccit") -> str:
    """What openai's own client is told."""
    answer = running.client().chat.completions.create(model=model, messages=messages, temperature=0, max_tokens=TOKENS)
    return answer.choices[0].message.content or ""


def asked(question: str) -> list[Any]:
    return [{"role": "user", "content": question}]


def test_invoke_gets_the_answer_its_version_and_its_tokens(running: Running, chat: ChatOpenAI) -> None:
    answer = chat.invoke(QUESTION)
    assert answer.text == expected(running, asked(QUESTION))
    told = answer.response_metadata
    assert (told["model_name"], told["system_fingerprint"], told["finish_reason"]) == ("ccit@1", "ccit-v1", "length")
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] == TOKENS


def test_a_new_version_answers_the_same_client(running: Running, chat: ChatOpenAI) -> None:
    before = chat.invoke(QUESTION)
    running.slots.activate(2)
    after = chat.invoke(QUESTION)
    running.slots.activate(1)
    assert [answer.response_metadata["model_name"] for answer in (before, after)] == ["ccit@1", "ccit@2"]
    assert after.text == expected(running, asked(QUESTION), "ccit@2") != before.text


def test_a_stream_joined_is_the_whole_answer(running: Running, chat: ChatOpenAI) -> None:
    chunks = list(chat.stream(QUESTION, stream_usage=True))
    whole = sum(chunks, AIMessageChunk(content=""))
    assert len(chunks) > TOKENS // 4  # a character of several tokens comes in one piece
    assert whole.text == expected(running, asked(QUESTION))
    assert whole.response_metadata["model_name"] == "ccit@1"
    assert whole.usage_metadata == chat.invoke(QUESTION).usage_metadata


@pytest.mark.parametrize("form", ["v0", "v1"])
def test_an_answer_goes_back_into_the_conversation(running: Running, form: str) -> None:
    """In its second form LangChain keeps an answer as parts, and sends them as such."""
    chat = langchain(running, max_completion_tokens=TOKENS, output_version=form)
    turns: list[BaseMessage] = [SystemMessage("Be brief."), HumanMessage(QUESTION)]
    first = chat.invoke(turns)
    turns += [first, HumanMessage("And for a child?")]
    second = chat.invoke(turns)
    assert second.text == expected(
        running,
        [
            {"role": "system", "content": "Be brief."},
            *asked(QUESTION),
            {"role": "assistant", "content": first.text},
            *asked("And for a child?"),
        ],
    )


def test_a_batch_is_answered_one_by_one_and_in_order(running: Running, chat: ChatOpenAI) -> None:
    questions = [f"Which dose of drug {number}?" for number in range(12)]
    answers = chat.batch([*questions], config={"max_concurrency": 6})
    assert [answer.text for answer in answers] == [expected(running, asked(question)) for question in questions]


def test_several_wait_for_answers_in_one_loop(running: Running, chat: ChatOpenAI) -> None:
    async def both() -> list[str]:
        return [answer.text for answer in await asyncio.gather(chat.ainvoke(QUESTION), chat.ainvoke("How often?"))]

    assert asyncio.run(both()) == [expected(running, asked(question)) for question in (QUESTION, "How often?")]


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # LangChain's own, of the type it has parsed
def test_an_answer_fills_a_form(running: Running) -> None:
    filled = langchain(running, max_completion_tokens=60).with_structured_output(Dose, method="json_schema")
    assert isinstance(filled.invoke(QUESTION), Dose)
    *_, last = filled.stream(QUESTION)
    assert last == filled.invoke(QUESTION)
    assert all(isinstance(dose, Dose) for dose in filled.batch(["For a child?", "For an adult?"]))


def test_a_form_asked_for_as_a_tool_is_refused_by_name(chat: ChatOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=r"tools = .* is not supported here"):
        chat.with_structured_output(Dose, method="function_calling").invoke(QUESTION)
