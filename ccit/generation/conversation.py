"""One prompt about one record: asked, asked once more with the fault named, and then no more.

The conversation depends on nothing but its answers: with answers that are kept it goes the same way again, and asks
nobody.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ccit.generation.asking import Answer, Request, RequestSampling
from ccit.generation.constraints import Constraints
from ccit.generation.prompts import Prompt
from ccit.generation.replies import Fault, Reply, schema
from ccit.generation.source import SourceText, without_turn_marks

Ask = Callable[[Request], Awaitable[Answer]]
"""Gives the answer to a request, kept or new."""

_MOST_REPEATED = 4000  # characters of a faulty reply that the model is shown again
_AGAIN = {
    "en": "Your reply cannot be used. {fault} Reply again to the same task, after the same rules, with one JSON object "
    "and nothing else.",
    "zh": "你的回复不能使用。{fault} 请按照同样的规则重新完成同一任务，只输出一个 JSON 对象。",
}


@dataclass(frozen=True, slots=True)
class Made:
    """A reply that satisfies every constraint.

    Parameters
    ----------
    model : str
        Which model says that it was it.
    faults : tuple[Fault, ...]
        What was wrong with the first one, if anything.
    """

    reply: Reply
    model: str
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """There is no usable reply; `faults` are those of each, in order."""

    faults: tuple[Fault, ...]


async def converse(
    prompt: Prompt, source: SourceText, ask: Ask, constraints: Constraints, sampling: RequestSampling, attempt: int = 0
) -> Made | Rejected:
    """Ask a prompt about a record.

    Parameters
    ----------
    attempt : int
        How often the document was sent again by an operator.

    Raises
    ------
    CcitError
        What `ask` raises.
    """
    messages, faults = prompt.messages(source), list[Fault]()
    for _ in range(2):
        answer = await ask(Request(sampling, messages, schema(prompt.asks_question), attempt))
        found = constraints.read(answer, prompt, source)
        if isinstance(found, Reply):
            return Made(found, answer.model or sampling.model, tuple(faults))
        faults.append(found)
        said = {"role": "assistant", "content": without_turn_marks(answer.text[:_MOST_REPEATED])}
        again = {"role": "user", "content": _AGAIN[source.language].format(fault=found.sentence)}
        messages = (*messages, said, again) if answer.text else (*messages[:-1], _joined(messages[-1], again))
    return Rejected(tuple(faults))


def _joined(asked: dict[str, str], again: dict[str, str]) -> dict[str, str]:
    """After an empty reply: no chat template takes an empty turn, nor two turns of one side."""
    return {"role": "user", "content": f"{asked['content']}\n\n{again['content']}"}
