"""From what a client sends to the token ids that a model sees."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

from jinja2 import TemplateError

from ccit.models.chat import FIXED_DATE, ChatFormat
from ccit.ports.serving import Backend
from ccit.serving.messages import ChatMessage
from ccit.serving.protocol import ChatRequest, CompletionRequest
from ccit.serving.refusals import RequestRefused

_FEW_CHARACTERS = 4  # per token, as in English: few prompts that fit have more
_PIECE = 50_000  # characters that are encoded at a time
_SEAM = 100  # tokens that may come of a cut: far more than the pieces of the one word that it goes through


class Prompts:
    """Encodes prompts with a tokenizer of its own.

    Encoding may change a fast tokenizer's settings, which fails ("Already borrowed") while another thread decodes with
    the same object; the generating threads therefore keep the base's tokenizer to themselves.

    Parameters
    ----------
    day : date | str
        What a chat template reads that asks for the date: a day, `today`, or empty for the one that never changes.
    """

    def __init__(self, backend: Backend, day: date | Literal["", "today"] = "") -> None:
        self._tokenizer = copy.deepcopy(backend.tokenizer)
        self._follows_the_clock = day == "today"
        self._format = ChatFormat(self._tokenizer, day if isinstance(day, date) else FIXED_DATE)
        self._lock = threading.Lock()
        self._vocabulary = backend.vocabulary
        self._context = backend.context_length

    def encode(self, request: ChatRequest | CompletionRequest) -> list[int]:
        """Token ids of a request's prompt, at least one and with room for an answer.

        Raises
        ------
        RequestRefused
            The chat template refuses the messages, or the prompt is empty, too long or not of this vocabulary.
        """
        if isinstance(request, ChatRequest):
            messages: list[Mapping[str, str]] = [message.plain() for message in request.messages]
            self._require_fit([message["content"] for message in messages], "messages")
            ids, param = self._chat(messages, bool(request.continue_final_message)), "messages"
        else:
            ids, param = self._plain(request.prompt), "prompt"
        if not ids:
            raise RequestRefused(400, "the prompt is empty; send at least one token", param)
        if len(ids) >= self._context:
            raise self._too_long(str(len(ids)), param)
        return ids

    def answered(self, messages: Sequence[ChatMessage]) -> tuple[list[int], list[int]]:
        """Token ids of a chat up to its last message, and of that one as an answer, without its end.

        Raises
        ------
        RequestRefused
            As `encode` does.
        """
        plain = [message.plain() for message in messages]
        self._require_fit([message["content"] for message in plain], "messages")
        prompt = self._chat(plain[:-1], goes_on=False)
        with self._lock:
            answer = self._format.answer(plain[-1]["content"])
        if not prompt or not answer or len(prompt) + len(answer) > self._context:
            raise self._too_long(str(len(prompt) + len(answer)), "messages")
        return prompt, answer

    def room(self, ids: Sequence[int]) -> int:
        """Tokens left in the context after a prompt."""
        return self._context - len(ids)

    def _chat(self, messages: Sequence[Mapping[str, str]], goes_on: bool) -> list[int]:
        try:
            with self._lock:
                chat = self._today()
                if goes_on:
                    return [*chat.prompt(messages[:-1]), *chat.answer(messages[-1]["content"])]
                return chat.prompt(messages)
        except (TemplateError, ValueError) as error:
            raise RequestRefused(400, f"the model's chat template refuses the messages: {error}", "messages") from error

    def _plain(self, prompt: str | list[str] | list[int]) -> list[int]:
        if isinstance(prompt, list):
            numbers = [part for part in prompt if isinstance(part, int)]
            if numbers:
                return self._checked(numbers)
        text = prompt if isinstance(prompt, str) else str(prompt[0])
        self._require_fit([text], "prompt")
        with self._lock:
            return self._format.document(text)

    def _today(self) -> ChatFormat:
        if self._follows_the_clock and self._format.day != date.today():
            self._format = ChatFormat(self._tokenizer, date.today())
        return self._format

    def _checked(self, ids: list[int]) -> list[int]:
        if min(ids) < 0 or max(ids) >= self._vocabulary:
            raise RequestRefused(400, f"prompt holds a token id outside 0..{self._vocabulary - 1}", "prompt")
        return ids

    def _require_fit(self, texts: Sequence[str], param: str) -> None:
        """Refuse what is far too long before all of it is encoded: a token takes a hundred bytes meanwhile."""
        if sum(map(len, texts)) <= _FEW_CHARACTERS * self._context:
            return
        tokens = 0
        for text in texts:
            for start in range(0, len(text), _PIECE):
                with self._lock:
                    ids = self._tokenizer(text[start : start + _PIECE], add_special_tokens=False)["input_ids"]
                tokens += max(0, len(ids) - _SEAM)
                if tokens >= self._context:
                    raise self._too_long(f"at least {tokens}", param)

    def _too_long(self, tokens: str, param: str) -> RequestRefused:
        return RequestRefused(
            400,
            f"the prompt has {tokens} tokens, but the model's context holds {self._context}; shorten the prompt",
            param,
            "context_length_exceeded",
        )
