"""A question in one column and its answer in another: Alpaca, Dolly, prompt and completion, query and response."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ccit.ingest.forms.exchange import Exchange, required, system_and_history, text_of, wrong


@dataclass(frozen=True, slots=True)
class PairForm:
    """The columns of one such form.

    Parameters
    ----------
    more : str
        A column whose text follows the question on a new line; empty for none.

    Example
    -------
    >>> PairForm("instruction", "output", "input").read({"instruction": "Dose?", "input": "Adult.", "output": "5 mg."})
    Exchange(instruction='Dose?\\nAdult.', response='5 mg.', history=(), system='')
    """

    question: str
    answer: str
    more: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """What a row of this form must have."""
        return self.question, self.answer

    def read(self, row: Mapping[str, Any]) -> Exchange:
        """The exchange in a row. Raises `InputError`."""
        question = required(row.get(self.question), self.question)
        more = text_of(row.get(self.more), self.more).strip() if self.more else ""
        system, history = system_and_history(row)
        answer = required(row.get(self.answer), self.answer)
        if row.get("label") is False:  # TRL's form for answers that are to be unlearned
            raise wrong("label", "an answer to be trained on", "false")
        return Exchange(f"{question}\n{more}" if more else question, answer, history, system)
