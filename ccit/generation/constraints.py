"""What a reply must satisfy, in order; the first that is broken is the one that is told.

| constraint | broken where |
|---|---|
| `refused`, `filtered` | the model would not answer, or a filter took the answer away |
| `cut`, `unfinished` | it came to its limit of tokens, or ended otherwise |
| `not_json`, `schema` | it is not the one JSON object that was asked for |
| `too_short` | the answer is shorter than the least length, or nothing was asked or reasoned |
| `evidence` | a passage is not in the record |
| `commanded` | a passage, the question or the answer speaks to a model, or as one; or a mark of a turn stands there |
| `echo` | it repeats what it was told beside the record |
| `numbers` | a number of the answer is not in the record |
| `identifying` | something in it may identify somebody |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ccit.generation.asking import Answer
from ccit.generation.echoes import fault_of_echoes
from ccit.generation.evidence import commands_a_model, fault_of_evidence
from ccit.generation.numbers import fault_of_numbers
from ccit.generation.prompts import Prompt
from ccit.generation.replies import Fault, Reply, read_reply
from ccit.generation.source import SourceText, holds_turn_marks

Scan = Callable[[str, SourceText], Fault | None]
"""Looks for identifiers in a text that was made of a record."""


def fault_of_any(scan: Scan, texts: Iterable[str], source: SourceText) -> Fault | None:
    """The first fault of texts that are scanned each by itself.

    Joined by a line break, the first word of an answer would be the name of the doctor with whom the question ends.
    """
    return next((fault for text in texts if (fault := scan(text, source)) is not None), None)


_ENDED: Mapping[str, Fault] = {
    "length": Fault("cut", "The reply came to its limit before it ended; be brief."),
    "content_filter": Fault("filtered", "A filter of the endpoint took the reply away."),
}
_REFUSED = Fault("refused", "The model would not answer.")


class Constraints:
    """Reads replies, and finds what is wrong with them.

    Parameters
    ----------
    scan : callable
        The second scan for identifiers.
    with_reasoning : bool
        Whether the reasoning is trained on: then it is held to what holds for the answer.
    """

    def __init__(self, scan: Scan, *, with_reasoning: bool = False) -> None:
        self._scan = scan
        self._with_reasoning = with_reasoning

    def read(self, answer: Answer, prompt: Prompt, source: SourceText) -> Reply | Fault:
        """The reply, where it satisfies them all; else the first fault."""
        if answer.refusal:
            return _REFUSED
        if answer.finish_reason != "stop":
            other = Fault("unfinished", f"Expected the reply to end with 'stop', found {answer.finish_reason[:40]!r}.")
            return _ENDED.get(answer.finish_reason, other)
        reply = read_reply(answer.text, asks_question=prompt.asks_question)
        if isinstance(reply, Fault):
            return reply
        return self._fault(reply, prompt, source) or reply

    def _fault(self, reply: Reply, prompt: Prompt, source: SourceText) -> Fault | None:
        shown = Reply(reply.reasoning, reply.question, self._trained_on(reply), reply.evidence)
        rules = [message["content"] for message in prompt.messages(source) if message["role"] == "system"]
        return (
            _fault_of_length(reply, prompt)
            or fault_of_evidence(reply, source, prompt.lengths.evidence)
            or _fault_of_commands(shown)
            or fault_of_echoes(shown, source, rules)
            or fault_of_numbers(shown, source)
            or fault_of_any(self._scan, (shown.question, shown.answer), source)
        )

    def _trained_on(self, reply: Reply) -> str:
        return f"{reply.reasoning}\n\n{reply.answer}" if self._with_reasoning else reply.answer


def _fault_of_commands(reply: Reply) -> Fault | None:
    said = f"{reply.question}\n{reply.answer}"
    if holds_turn_marks(said):
        return Fault("commanded", "The question or the answer holds a mark of a chat template.")
    if commands_a_model(said):
        return Fault("commanded", "The answer speaks to a model, or as one, and not of the record.")
    return None


def _fault_of_length(reply: Reply, prompt: Prompt) -> Fault | None:
    if len(reply.answer) < prompt.lengths.answer:
        return Fault(
            "too_short", f"The answer has {len(reply.answer)} characters, at least {prompt.lengths.answer} are asked."
        )
    if not reply.reasoning or (prompt.asks_question and not reply.question):
        return Fault("too_short", "The reasoning or the question is empty.")
    return None
