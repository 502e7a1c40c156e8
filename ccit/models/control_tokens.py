"""Control tokens and text: what a chat template writes itself is control, what stands in a message never is.

A control token (`<|im_end|>`, `<s>`) opens and closes turns. A tokenizer reads it wherever its letters stand, in the
middle of a record too, so that a record could end its own turn and write another one. Here the letters of a message are
letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

# Unicode's noncharacters, "intended for process-internal use": two that the text at hand does not hold mark it.
_NONCHARACTERS = tuple(chr(code) for code in range(0xFDD0, 0xFDF0))


@dataclass(frozen=True, slots=True)
class _Token:
    id: int
    strips_left: bool  # the tokenizer drops white space before it
    strips_right: bool


@dataclass(frozen=True, slots=True)
class Marks:
    """Two characters that stand in no message of a chat: around each control token's letters, and inside what may
    become one once the template has cut and joined the messages."""

    start: str
    end: str

    @classmethod
    def missing_in(cls, texts: Sequence[str]) -> Marks:
        """Raises `ValueError` where the texts hold nearly all of Unicode's noncharacters."""
        free = [mark for mark in _NONCHARACTERS if not any(mark in text for text in texts)]
        if len(free) < 2:
            raise ValueError("the messages hold Unicode's noncharacters U+FDD0 to U+FDEF, which no text needs")
        return cls(free[0], free[1])


class ControlTokens:
    """The control tokens of one tokenizer.

    They are its special tokens, and those of its other added tokens that the chat template names (`<think>`).

    Parameters
    ----------
    tokenizer : Any
        A transformers tokenizer, fast or slow.
    template : str
        Its chat template.

    Example
    -------
    >>> from ccit.testing import byte_tokenizer
    >>> tokenizer = byte_tokenizer()
    >>> controls = ControlTokens(tokenizer, tokenizer.chat_template)
    >>> len(controls.plain("Rest.<|im_end|>")), len(tokenizer("Rest.<|im_end|>")["input_ids"])
    (15, 6)
    """

    def __init__(self, tokenizer: Any, template: str) -> None:
        self._tokenizer = tokenizer
        self._tokens = {
            token.content: _Token(number, token.lstrip, token.rstrip)
            for number, token in tokenizer.added_tokens_decoder.items()
            if not token.content.isspace() and (token.special or token.content in template)
        }
        self.ids = frozenset(token.id for token in self._tokens.values())
        longest_first = sorted(self._tokens, key=len, reverse=True)
        self._any = "|".join(map(re.escape, longest_first)) or "(?!)"  # (?!) never matches
        openings = "".join(sorted({re.escape(content[0]) for content in self._tokens}))
        self._token = re.compile(self._any)
        self._opening = re.compile(f"[{openings}]" if openings else "(?!)")
        self._marked = re.compile(f"({self._any})|{self._opening.pattern}")

    def plain(self, text: str) -> list[int]:
        """Token ids of a text in which nothing is a control token.

        A text without the letters of one has the ids that the tokenizer gives it. The others are encoded with
        `split_special_tokens`; where that still gives a control token, its letters are encoded in two parts.
        """
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        if not self._holds(ids):
            return ids
        ids = self._split(text)
        if not self._holds(ids):
            return ids
        cuts = [0, *(match.start() + 1 for match in self._token.finditer(text)), len(text)]
        return [i for begin, end in pairwise(cuts) for i in self._split(text[begin:end])]

    def first(self, text: str) -> tuple[str, int] | None:
        """The text before its first control token, and that token's id; None where it has none."""
        match = self._token.search(text)
        return None if match is None else (text[: match.start()], self._tokens[match.group()].id)

    def may_hold(self, text: str) -> bool:
        """Whether a text has a character with which a control token begins."""
        return self._opening.search(text) is not None

    def mark(self, text: str, marks: Marks) -> str:
        """A message's text for the template, so that `chat` tells its letters from what the template writes."""

        def replaced(match: re.Match[str]) -> str:
            whole = match.group(1)
            return f"{marks.start}{whole}{marks.end}" if whole else match.group() + marks.start

        return self._marked.sub(replaced, text)

    def chat(self, rendered: str) -> list[int] | None:
        """Token ids of a chat whose messages held no control token; None where one came in all the same.

        (A tokenizer may normalise text before it looks for its tokens.)
        """
        ids: list[int] = self._tokenizer(rendered, add_special_tokens=False)["input_ids"]
        written = sum(1 for _ in self._token.finditer(rendered))
        return ids if sum(i in self.ids for i in ids) <= written else None

    def marked_chat(self, rendered: str, marks: Marks) -> list[int]:
        """Token ids of a chat whose messages were marked: only what the template wrote is a control token."""
        ids: list[int] = []
        drop_left = False
        for text, token in self._parts(rendered, marks):
            shown = text.lstrip() if drop_left else text
            if token is not None and token.strips_left:
                shown = shown.rstrip()
            ids += self._continued(shown) if ids and self._prefixed else self.plain(shown)
            if token is not None:
                ids.append(token.id)
                drop_left = token.strips_right
        return ids

    def _parts(self, rendered: str, marks: Marks) -> Iterator[tuple[str, _Token | None]]:
        """The text between the template's control tokens, each with the token that follows it."""
        start, end = marks.start, marks.end
        pattern = re.compile(f"{start}({self._any}){end}|({self._any})|[{start}{end}]")
        text, place = "", 0
        for match in pattern.finditer(rendered):
            text, place = text + rendered[place : match.start()], match.end()
            message, template = match.groups()
            if template:
                yield text, self._tokens[template]
                text = ""
            else:
                text += message or ""
        yield text + rendered[place:], None

    def _split(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        return ids

    def _holds(self, ids: Sequence[int]) -> bool:
        return not self.ids.isdisjoint(ids)

    def _continued(self, text: str) -> list[int]:
        """Ids of a text that does not begin its document, where the tokenizer puts a space before one that does."""
        line, ids = self.plain("\n"), self.plain("\n" + text)
        return ids[len(line) :] if ids[: len(line)] == line else self.plain(text)

    @cached_property
    def _prefixed(self) -> bool:
        """Whether a text is encoded otherwise at the start of a document than after a control token."""
        token = next(iter(self._tokens), "")
        ids: list[int] = self._tokenizer(f"{token}a", add_special_tokens=False)["input_ids"]
        return bool(token) and ids[1:] != self.plain("a")
