"""Chat messages as OpenAI's clients send them, reduced to what a chat template takes: a role and a text."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ccit.serving.refusals import RequestRefused, refuse_unknown

MAX_MESSAGES = 10_000  # and as many parts in each; a chat of 128,000 tokens has fewer

_ROLES = ("system", "developer", "user", "assistant")


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    type: Literal["text"]
    text: str

    @model_validator(mode="before")
    @classmethod
    def _text_alone(cls, values: Any) -> Any:
        if isinstance(values, dict):
            kind = values.get("type")
            if isinstance(kind, str) and kind != "text":
                raise RequestRefused(
                    400, f"parts of type {kind[:40]!r} are not supported here: send parts of text", "messages.content"
                )
            refuse_unknown(values, cls, "messages.content")
        return values


class ChatMessage(BaseModel):
    """One chat message; content is text, or parts of text. An assistant's may be null, which is an empty text.

    Example
    -------
    >>> ChatMessage.model_validate({"role": "developer", "content": [{"type": "text", "text": "Be brief."}]}).plain()
    {'role': 'system', 'content': 'Be brief.'}
    """

    model_config = ConfigDict(extra="ignore", strict=True)

    role: Literal["system", "developer", "user", "assistant"]
    content: str | Annotated[list[_Part], Field(fail_fast=True, max_length=MAX_MESSAGES)]

    @model_validator(mode="before")
    @classmethod
    def _supported(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        if values.get("role") in ("tool", "function") or values.get("tool_calls") or values.get("function_call"):
            raise RequestRefused(400, "tools are not supported here: send messages without tool calls", "messages")
        refuse_unknown(values, cls, "messages", harmless=("tool_calls", "annotations"))
        if values.get("role") == "assistant" and values.get("content") is None:
            return {**values, "content": ""}
        return values

    def plain(self) -> dict[str, str]:
        """As chat templates want it."""
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return {"role": "system" if self.role == "developer" else self.role, "content": text}
