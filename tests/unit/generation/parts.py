"""What the tests of generation share: a record, replies about it, and an endpoint in memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson

from ccit.deidentify.deidentifier import Deidentifier
from ccit.deidentify.safe_harbor import SafeHarbor
from ccit.generation.asking import Answer, Request
from ccit.generation.constraints import Constraints
from ccit.generation.identifiers import IdentifierScan
from ccit.generation.prompts import Lengths, Prompt, load_prompts
from ccit.generation.source import SourceText, source_of
from ccit.testing import recognisers

NOTE = (
    "[NAME-1] came with a cough for 3 weeks. Chest x-ray: a shadow in the left upper lobe, 2 cm. "
    "Sputum was sent. Plan: CT of the chest, review with the result."
)
ANSWER = (
    "The x-ray shows a shadow of 2 cm in the left upper lobe in a patient who has coughed for 3 weeks; its cause is "
    "open until the CT of the chest has been read."
)
EVIDENCE = ("a shadow in the left upper lobe, 2 cm", "came with a cough for 3 weeks")


def body(text: str = NOTE, **changes: Any) -> dict[str, Any]:
    """A document as de-identification leaves it."""
    plain = {"document": "d1", "subject": "s1", "title": "Visit", "kind": "note", "status": "final", "form": "fhir"}
    return {**plain, "fields": {}, "text": text, **changes}


def source(text: str = NOTE) -> SourceText:
    return source_of(body(text))


def said(**changes: Any) -> str:
    """A reply that satisfies every constraint, but for what is changed in it."""
    plain = {"reasoning": "Cough and shadow.", "answer": ANSWER, "evidence": list(EVIDENCE)}
    return orjson.dumps({**plain, **changes}).decode()


@cache
def prompt(name: str = "summary.v1", language: str = "en") -> Prompt:
    return next(one for one in load_prompts([name], lengths=Lengths(80, 12))["en" if language == "en" else "zh"])


@cache
def scan() -> IdentifierScan:
    return IdentifierScan(Deidentifier(recognisers(), SafeHarbor()))


def constraints(*, with_reasoning: bool = False) -> Constraints:
    return Constraints(scan().fault, with_reasoning=with_reasoning)


class Scripted:
    """Gives its answers in order, and remembers what was asked."""

    def __init__(self, answers: Sequence[Answer | str]) -> None:
        self._answers = [Answer(one) if isinstance(one, str) else one for one in answers]
        self.requests: list[Request] = []

    async def ask(self, request: Request) -> Answer:
        self.requests.append(request)
        return self._answers[len(self.requests) - 1]
