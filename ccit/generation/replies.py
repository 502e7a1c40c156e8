"""What a model must reply: one JSON object, its reasoning before its answer, and the evidence for it.

The schema goes with the request (`response_format`, so that engines that can hold a model to it do) and is checked here
again with `jsonschema`, for not every engine does. It says no lengths, which OpenAI's strict mode does not take: those
are constraints of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from ccit.errors import InputError
from ccit.ingest.strict import parse_strict


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that has been read.

    Parameters
    ----------
    question : str
        Empty where the prompt asks for none.
    evidence : tuple[str, ...]
        Passages that the model says it has copied from the record.
    """

    reasoning: str = field(repr=False)
    question: str = field(repr=False)
    answer: str = field(repr=False)
    evidence: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a reply.

    Parameters
    ----------
    constraint : str
        Which one it breaks; a label of metrics.
    sentence : str
        What was expected and what came, for the model and for a person; it quotes nothing of reply or record.
    """

    constraint: str
    sentence: str


@cache
def schema(asks_question: bool) -> Mapping[str, Any]:
    """The JSON Schema (2020-12) of a reply; its keys are in the order in which they are written.

    >>> list(schema(asks_question=True)["properties"])
    ['reasoning', 'question', 'answer', 'evidence']
    """
    text = {"type": "string"}
    keys: dict[str, Any] = {"reasoning": text}
    if asks_question:
        keys["question"] = text
    keys |= {"answer": text, "evidence": {"type": "array", "items": text}}
    return {"type": "object", "properties": keys, "required": list(keys), "additionalProperties": False}


@cache
def _validator(asks_question: bool) -> Draft202012Validator:
    return Draft202012Validator(schema(asks_question))


def read_reply(text: str, *, asks_question: bool) -> Reply | Fault:
    """A reply, or why it is none.

    >>> read_reply('{"reasoning": "r", "answer": "a", "evidence": ["e"]}', asks_question=False).evidence
    ('e',)
    >>> read_reply("Yes.", asks_question=False).constraint
    'not_json'
    """
    try:
        value = parse_strict(text.encode("utf-8", "surrogatepass"))
    except InputError:
        return Fault("not_json", "The reply is not one JSON object and nothing else.")
    error = next(iter(_validator(asks_question).iter_errors(value)), None)
    if error is not None:
        place = ".".join(str(part) for part in error.schema_path if isinstance(part, str) and part != "properties")
        return Fault("schema", f"The reply does not follow the schema: {place} is not kept.")
    said = {key: value.get(key, "").strip() for key in ("reasoning", "question", "answer")}
    passages = (passage.strip() for passage in value["evidence"])
    return Reply(**said, evidence=tuple(dict.fromkeys(filter(None, passages))))
