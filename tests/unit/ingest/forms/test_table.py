"""The forms that exporters of the field write are read whole, or refused with the field named."""

from __future__ import annotations

from typing import Any

import pytest

from ccit.errors import InputError
from ccit.ingest.forms.exchange import Exchange
from ccit.ingest.forms.table import exchange_of
from ccit.records import Turn

EARLIER = (Turn("For adults?", "500 mg."),)
WHOLE = Exchange("And for children?", "20 mg per kg.", EARLIER, "Weight 20 kg.")


def said(role: str, content: str, *names: str) -> list[dict[str, str]]:
    """The same conversation with the names of a format: system, user, assistant, user, assistant."""
    texts = ["Weight 20 kg.", "For adults?", "500 mg.", "And for children?", "20 mg per kg."]
    speakers = [names[0], *[names[1], names[2]] * 2]
    return [{role: speaker, content: text} for speaker, text in zip(speakers, texts, strict=True)]


COLUMNS = {"system": "Weight 20 kg.", "history": [["For adults?", "500 mg."]]}
QUESTION, ANSWER = "And for children?", "20 mg per kg."


@pytest.mark.parametrize(
    "row",
    [
        {"instruction": QUESTION, "output": ANSWER, **COLUMNS},
        {"instruction": "And", "input": "for children?", "output": ANSWER, **COLUMNS},
        {"instruction": QUESTION, "response": ANSWER, "category": "dose", **COLUMNS},
        {"prompt": QUESTION, "completion": ANSWER, "label": True, **COLUMNS},
        {"prompt": QUESTION, "response": ANSWER, **COLUMNS},
        {"query": QUESTION, "response": ANSWER, **COLUMNS},
        {"question": QUESTION, "answer": ANSWER, **COLUMNS},
        {"messages": said("role", "content", "system", "user", "assistant")},
        {"messages": said("role", "content", "developer", "user", "assistant"), "tools": [], "images": None},
        {"conversations": said("from", "value", "system", "human", "gpt")},
        {"conversations": said("from", "value", "system", "human", "gpt")[1:], "system": "Weight 20 kg."},
    ],
)
def test_each_form_says_the_same(row: dict[str, Any]) -> None:
    expected = Exchange("And\nfor children?", ANSWER, EARLIER, "Weight 20 kg.") if "input" in row else WHOLE
    assert exchange_of(row) == expected


def test_text_may_come_in_parts() -> None:
    parts = [{"type": "text", "text": "Do"}, {"type": "text", "text": "se?"}]
    row = {"messages": [{"role": "user", "content": parts}, {"role": "assistant", "content": "5 mg."}]}
    assert exchange_of(row) == Exchange("Dose?", "5 mg.")


USER, GPT = {"role": "user", "content": "Dose?"}, {"role": "assistant", "content": "5 mg."}
PICTURE = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({"text": "Dose? 5 mg."}, "expected instruction and output, or one of the other forms"),
        ({"instruction": "Dose?"}, "output: expected text, found nothing"),
        ({"instruction": "Dose?", "output": 5}, "output: expected text, found a number"),
        ({"query": "Dose?"}, "response"),
        ({"instruction": "Dose?", "output": "5 mg.", "messages": [USER, GPT]}, "keep one"),
        ({"instruction": "Dose?", "output": "5 mg.", "system": {"a": "b"}}, "system: expected text, found an object"),
        ({"instruction": "Dose?", "output": "5 mg.", "history": "earlier"}, "history: expected a list"),
        ({"instruction": "Dose?", "output": "5 mg.", "history": [["a", None]]}, r"history\.0\.1: expected text"),
        ({"instruction": "Dose?", "output": "5 mg.", "history": [["a"]]}, r"history\.0: expected a pair"),
        ({"instruction": "Dose?", "output": "5 mg.", "tools": "[{}]"}, "tools"),
        ({"instruction": "Dose?", "output": "5 mg.", "images": ["a.png"]}, "images"),
        ({"prompt": "Dose?", "chosen": "5 mg.", "rejected": "5 g."}, "chosen"),
        ({"prompt": "Dose?", "completion": "5 g.", "label": False}, "label"),
        ({"messages": []}, "no message"),
        ({"messages": {"role": "user"}}, "messages: expected a list"),
        ({"messages": [USER]}, "answer of the assistant at the end"),
        ({"messages": [GPT, USER]}, "beginning with the user"),
        ({"messages": [USER, USER, GPT]}, "by turns"),
        ({"messages": [USER, {"role": "system", "content": "x"}, GPT]}, "by turns"),
        ({"messages": [USER, {"role": "tool", "content": "x"}]}, r"messages\.1\.role: .* found `tool`"),
        ({"messages": [USER, {**GPT, "tool_calls": [{}]}]}, r"messages\.1\.tool_calls"),
        ({"messages": [USER, {"role": "assistant", "content": None}]}, "last answer"),
        ({"messages": [PICTURE, GPT]}, r"messages\.0\.content\.0\.type"),
        ({"messages": [USER, GPT] * 201}, "at most 400 messages"),
        ({"conversations": [USER, GPT]}, r"conversations\.0\.from"),
        ({"messages": [{"role": "system", "content": "a"}, USER, GPT], "system": "b"}, "another one in each"),
    ],
)
def test_what_is_not_read_is_named(row: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named) as refused:
        exchange_of(row)
    assert refused.value.reason == "wrong_schema"
