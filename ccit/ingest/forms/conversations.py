"""A whole conversation in one column: ShareGPT (`from`, `value`) and OpenAI (`role`, `content`).

The last message must be the assistant's: it is what is trained on, given all that went before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ccit.ingest.forms.exchange import MAX_TURNS, Exchange, json_type, required, text_of, wrong
from ccit.records import Turn

_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
}
_NOT_READ = {"tool", "tool_calls", "tool_call", "function", "function_call", "observation", "ipython"}
_CHANGE_THE_MEANING = ("tool_calls", "function_call", "refusal", "reasoning_content", "thinking", "audio")


@dataclass(frozen=True, slots=True)
class ConversationForm:
    """The column of one such form, and the names of who speaks and of what is said.

    Example
    -------
    >>> said = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Dose?"}]
    >>> row = {"messages": [*said, {"role": "assistant", "content": "5 mg."}]}
    >>> ConversationForm("messages", "role", "content").read(row)
    Exchange(instruction='Dose?', response='5 mg.', history=(), system='Be brief.')
    """

    column: str
    role: str
    content: str

    @property
    def columns(self) -> tuple[str, ...]:
        """What a row of this form must have."""
        return (self.column,)

    def read(self, row: Mapping[str, Any]) -> Exchange:
        """The exchange in a row. Raises `InputError`."""
        messages = row.get(self.column)
        if not isinstance(messages, list):
            raise wrong(self.column, "a list of messages", json_type(messages))
        if len(messages) > 2 * MAX_TURNS:
            raise wrong(self.column, f"at most {2 * MAX_TURNS} messages", str(len(messages)))
        said = [self._message(message, f"{self.column}.{number}") for number, message in enumerate(messages)]
        system = text_of(row.get("system"), "system").strip()
        if said and said[0][0] == "system":
            if system and said[0][1] and said[0][1] != system:
                raise wrong("system", f"one system text, in `system` or in `{self.column}`", "another one in each")
            system, said = said[0][1] or system, said[1:]
        return _exchange(said, system, self.column)

    def _message(self, message: Any, field: str) -> tuple[str, str]:
        if not isinstance(message, dict):
            raise wrong(field, f"an object with `{self.role}` and `{self.content}`", json_type(message))
        name = message.get(self.role)
        role = _ROLES.get(name) if isinstance(name, str) else None
        if role is None:
            found = f"`{name}`" if isinstance(name, str) and name in _NOT_READ else "another"
            raise wrong(f"{field}.{self.role}", "system, user or assistant", json_type(None) if name is None else found)
        for column in _CHANGE_THE_MEANING:
            if message.get(column):
                raise wrong(f"{field}.{column}", "text alone", "a field that is not read; leave this row out")
        return role, text_of(message.get(self.content), f"{field}.{self.content}").strip()


def _exchange(said: Sequence[tuple[str, str]], system: str, column: str) -> Exchange:
    """User and assistant by turns, from the first message to the last."""
    for number, (role, _) in enumerate(said):
        expected = "assistant" if number % 2 else "user"
        if role != expected:
            raise wrong(column, f"user and assistant by turns, beginning with the user ({expected})", f"a {role}")
    if not said or len(said) % 2:
        raise wrong(column, "an answer of the assistant at the end", "the user's message" if said else "no message")
    texts = [text for _, text in said]
    history = tuple(Turn(user, answer) for user, answer in zip(texts[:-2:2], texts[1:-2:2], strict=True))
    return Exchange(required(texts[-2], f"{column}: last question"), required(texts[-1], f"{column}: last answer"),
                    history, system)  # fmt: skip
