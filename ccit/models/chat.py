"""From chat text to token ids: the one way for scoring, training, evaluation and serving.

What is asked of a chat template here, and holds for each tokenizer:

- `prompt`: the ids up to where the answer begins. For messages without the letters of a control token they are those
  of `apply_chat_template`; in any message such letters are text (`ccit/models/control_tokens.py`).
- `answer`: the ids of an answer as it follows the prompt, without its end. White space that the template puts between
  its header and the answer (Llama 2) belongs to the answer, as it did when the model was trained.
- `turn`: the same with the end that the template itself writes after an answer, which is not always the tokenizer's
  end of text. It is what is trained, and what ends an answer.
- `anchor`: what stands before the answer where there is no question, for IFD's direct pass.
- A template that writes today's date (`strftime_now`: Llama 3.x, Granite) is given a fixed one, so that a score or an
  adapter does not depend on the day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from itertools import takewhile
from typing import Any

from jinja2 import TemplateError

from ccit.errors import ModelUnusable
from ccit.models.control_tokens import ControlTokens, Marks

FIXED_DATE = date(2024, 7, 26)  # Llama 3.x templates fall back on it where they have no clock
_CLOCK = "strftime_now"
_DIRECTIVES = "aAbBcdfGHIjmMpSuUVwWxXyYZz"  # of strftime
_QUESTION = ({"role": "user", "content": "?"},)
_ANSWER = "Zq7"  # stands in no template

Messages = Sequence[Mapping[str, str]]


class ChatFormat:
    """How one tokenizer and its chat template write a conversation.

    Parameters
    ----------
    tokenizer : Any
        A transformers tokenizer with a chat template.
    day : date
        Today, for a template that asks.

    Example
    -------
    >>> from ccit.testing import byte_tokenizer
    >>> tokenizer = byte_tokenizer()
    >>> chat = ChatFormat(tokenizer)
    >>> tokenizer.decode(chat.prompt([{"role": "user", "content": "Why?"}]))
    '<|im_start|>user\\nWhy?<|im_end|>\\n<|im_start|>assistant\\n'
    >>> tokenizer.decode(chat.turn("Rest.")), tokenizer.decode(chat.anchor)
    ('Rest.<|im_end|>', '<|im_start|>assistant\\n')
    """

    def __init__(self, tokenizer: Any, day: date = FIXED_DATE) -> None:
        self.day = day
        self._tokenizer = tokenizer
        template: str = tokenizer.get_chat_template()
        self._template = _dated(template, day) if _CLOCK in template else template
        self._controls = ControlTokens(tokenizer, template)

    @property
    def digest(self) -> str:
        """SHA-256 of the template with its date, 12 hex digits: part of a score's stamp."""
        return hashlib.sha256(self._template.encode()).hexdigest()[:12]

    def prompt(self, messages: Messages) -> list[int]:
        """Token ids of a chat up to where the assistant's answer begins.

        A template that refuses a system turn (Gemma, early Mistral) finds its text before the first question.

        Raises
        ------
        jinja2.TemplateError
            The template refuses the messages.
        ValueError
            The messages hold nearly all of Unicode's noncharacters.
        """
        texts = [message["content"] for message in messages]
        if not any(map(self._controls.may_hold, texts)):
            ids = self._controls.chat(self._rendered(messages))
            if ids is not None:
                return ids
        marks = Marks.missing_in(texts)
        marked = [{**m, "content": self._controls.mark(m["content"], marks)} for m in messages]
        return self._controls.marked_chat(self._rendered(marked), marks)

    def answer(self, text: str) -> list[int]:
        """Token ids of an answer, without its end."""
        return self._after_the_header(self._lead + text)

    def turn(self, text: str) -> list[int]:
        """Token ids of an answer with its end; without one where neither template nor tokenizer has any."""
        space, end = self._end
        return [*self._after_the_header(self._lead + text + space), *([] if end is None else [end])]

    def document(self, text: str) -> list[int]:
        """Token ids of a text that is no chat, with what the tokenizer puts around one; control tokens are text."""
        ids: list[int] = self._tokenizer(text, split_special_tokens=True)["input_ids"]
        return ids

    @cached_property
    def ends(self) -> frozenset[int]:
        """Ids that end an answer: the template's end of turn and the tokenizer's end of text."""
        return frozenset(i for i in (self._end[1], self._tokenizer.eos_token_id) if i is not None)

    @cached_property
    def anchor(self) -> list[int]:
        """What stands before an answer without a question: the template's header of an answer.

        The BOS token stands before it where prompts begin with one, unless it is the header's own first token
        (SmolLM2: BOS opens each turn). A template without such a header (Llama 2) leaves BOS, or EOS without a BOS.

        Raises
        ------
        ModelUnusable
            None of the three exists.
        """
        prompt, header = self.prompt(_QUESTION), self._header()
        bos, eos = self._tokenizer.bos_token_id, self._tokenizer.eos_token_id
        if bos is not None and (not header or _leading(prompt, bos) > _leading(header, bos)):
            return [bos, *header]
        if header or eos is not None:
            return header or [eos]
        raise ModelUnusable("expected a chat template that opens the answer, or a BOS or EOS token; found none of them")

    def _header(self) -> list[int]:
        """What the template adds when it is asked to open an answer."""
        closed, opened = self._render(_QUESTION, opened=False), self._render(_QUESTION)
        if opened.startswith(closed):
            ids: list[int] = self._tokenizer(opened[len(closed) :], add_special_tokens=False)["input_ids"]
            return ids
        # A chat that ends here ends otherwise than one that goes on (Phi-3 writes its EOS).
        before, after = (self._tokenizer(text, add_special_tokens=False)["input_ids"] for text in (closed, opened))
        alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))
        return list(after[alike:])

    @cached_property
    def _around_an_answer(self) -> tuple[str, str]:
        """What the template writes between its header and an answer (white space alone), and after the answer."""
        try:
            chat = self._render([*_QUESTION, {"role": "assistant", "content": _ANSWER}], opened=False)
        except TemplateError:
            return "", ""
        before, _, after = chat.rpartition(_ANSWER)
        opened = self._render(_QUESTION)
        lead = before[len(opened) :] if before.startswith(opened) else ""
        return (lead if lead.isspace() else ""), after

    @property
    def _lead(self) -> str:
        return self._around_an_answer[0]

    @cached_property
    def _end(self) -> tuple[str, int | None]:
        """The text between an answer and the control token that ends its turn, and that token."""
        return self._controls.first(self._around_an_answer[1]) or ("", self._tokenizer.eos_token_id)

    def _after_the_header(self, text: str) -> list[int]:
        if not self._prefixed:
            return self._controls.plain(text)
        marks, opened = Marks.missing_in([text]), self._render(_QUESTION)
        before = self._controls.marked_chat(opened, marks)
        ids = self._controls.marked_chat(opened + self._controls.mark(text, marks), marks)
        return ids[len(before) :] if ids[: len(before)] == before else self._controls.plain(text)

    @cached_property
    def _prefixed(self) -> bool:
        """Whether the tokenizer encodes a text otherwise at the start of a document (SentencePiece's leading space)."""
        opened = self._render(_QUESTION)
        before, alone, together = (
            self._tokenizer(text, add_special_tokens=False)["input_ids"] for text in (opened, "a", f"{opened}a")
        )
        return bool([*before, *alone] != together)

    def _rendered(self, messages: Messages) -> str:
        try:
            return self._render(messages)
        except TemplateError:
            if len(messages) < 2 or messages[0]["role"] != "system":
                raise
            system, first, *rest = messages
            return self._render([{**first, "content": f"{system['content']}\n\n{first['content']}"}, *rest])

    def _render(self, messages: Messages, opened: bool = True) -> str:
        chat: str = self._tokenizer.apply_chat_template(
            list(messages), chat_template=self._template, add_generation_prompt=opened, tokenize=False
        )
        return chat


def _leading(ids: Sequence[int], token: int) -> int:
    return sum(1 for _ in takewhile(token.__eq__, ids))


def _dated(template: str, day: date) -> str:
    """The template with a clock of its own that always shows `day`.

    A Jinja macro of that name hides the function that transformers offers; it replaces each directive of a format. The
    line break after it is swallowed by `trim_blocks`, so that the rest is rendered as before.
    """
    shown = "format"
    for directive in _DIRECTIVES:
        for form in (f"%-{directive}", f"%{directive}"):
            text = day.strftime(form).replace("\\", "\\\\").replace("'", "\\'")
            shown += f"|replace('{form}', '{text}')"
    return f"{{% macro {_CLOCK}(format) %}}{{{{ {shown} }}}}{{% endmacro %}}\n{template}"
