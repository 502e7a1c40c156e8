"""A prompt is one Jinja file: two blocks say what a model is asked, three what row its reply becomes.

| block | may use | is |
|---|---|---|
| `system` | `mark`, `min_answer`, `min_evidence` | the task's rules; no word of the record ever |
| `user` | these and `record` | the task and the record, between two lines that are the mark |
| `instruction`, `input`, `output` | `record`, `answer`, `reasoning`, `question` | the row |

`reasoning` is empty in the row unless it is trained on.

A prompt that uses `question` has the model write one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from jinja2 import Template

from ccit.errors import ConfigError
from ccit.generation.jinja import block, files_of, row_in
from ccit.generation.replies import Reply
from ccit.generation.source import LANGUAGES, Language, SourceText

_VALUES = frozenset({"mark", "record", "min_answer", "min_evidence", "question", "answer", "reasoning"})
_TRIAL = SourceText("Nothing but a word: heliotrope.", "en", "0" * 64)


@dataclass(frozen=True, slots=True)
class Lengths:
    """What an answer and each passage of its evidence have at least, in characters of English."""

    answer: int = 80
    evidence: int = 12

    def among(self, language: Language) -> Lengths:
        """A character of Chinese says about as much as three of English.

        >>> Lengths(80, 12).among("zh")
        Lengths(answer=27, evidence=4)
        """
        return self if language == "en" else Lengths(ceil(self.answer / 3), ceil(self.evidence / 3))


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt in one language.

    Parameters
    ----------
    name : str
        With version and language: `summary.v1.en`.
    digest : str
        SHA-256 (hex) of its file and of all that it includes.
    asks_question : bool
        Whether the model writes the question too.
    """

    name: str
    digest: str
    asks_question: bool
    lengths: Lengths
    template: Template

    def messages(self, source: SourceText) -> tuple[dict[str, str], ...]:
        """What is asked, as chat messages."""
        values = {"mark": source.mark, "min_answer": self.lengths.answer, "min_evidence": self.lengths.evidence}
        system = block(self.template, "system", values)
        user = block(self.template, "user", values | {"record": source.text})
        return ({"role": "system", "content": system}, {"role": "user", "content": user})

    def row(self, source: SourceText, reply: Reply, *, with_reasoning: bool) -> dict[str, str]:
        """`instruction`, `input` and `output`."""
        values = {
            "record": source.text,
            "answer": reply.answer,
            "question": reply.question,
            "reasoning": reply.reasoning if with_reasoning else "",
        }
        return row_in(self.template, values)


def load_prompts(
    names: Sequence[str], own: Path | None = None, lengths: Lengths | None = None
) -> dict[Language, tuple[Prompt, ...]]:
    """The prompts of these names in each language.

    Parameters
    ----------
    own : Path, optional
        A folder of the user's, with a folder for each language in it; its files hide those of the same name here.

    Raises
    ------
    ConfigError
        A prompt is missing or cannot be rendered, or would show the record where it could command the model.

    Example
    -------
    >>> (prompt,) = load_prompts(["summary.v1"])["zh"]
    >>> prompt.name, prompt.asks_question
    ('summary.v1.zh', False)
    """
    asked = lengths or Lengths()
    return {language: tuple(_loaded(name, language, own, asked) for name in names) for language in LANGUAGES}


def _loaded(name: str, language: Language, own: Path | None, lengths: Lengths) -> Prompt:
    files = files_of("prompts", language, own)
    template = files.template(name)
    asks = files.asks_for(name, _VALUES)
    prompt = Prompt(f"{name}.{language}", files.digest(name), "question" in asks, lengths.among(language), template)
    _require_data(prompt)
    return prompt


def _require_data(prompt: Prompt) -> None:
    """A prompt is tried before it is asked: the record stands in the user's message, between two marks."""
    system, user = (message["content"] for message in prompt.messages(_TRIAL))
    lines = user.splitlines()
    inside = [place for place, line in enumerate(lines) if line == _TRIAL.mark]
    at = [place for place, line in enumerate(lines) if _TRIAL.text in line]
    shown = len(inside) == 2 and len(at) == 1 and inside[0] < at[0] < inside[1]
    if _TRIAL.text in system or _TRIAL.mark not in system or not shown:
        raise ConfigError(
            f"prompt {prompt.name}: expected the record in the block 'user', between two lines that are {{{{ mark }}}} "
            "alone, and the mark in the block 'system'; include _rules.v1.jinja and _record.v1.jinja"
        )
    prompt.row(_TRIAL, Reply("Because.", "Which word?", "Heliotrope.", ("a word",)), with_reasoning=True)
