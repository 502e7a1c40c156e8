"""From tokens to text while they come: whole characters only, and nothing that may become a stop text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_LONGEST_CHARACTER = 4  # bytes of a character in UTF-8, and so tokens that one can be spread over, at most


class IncrementalDecoder:
    """Turns a growing list of token ids into text; the pieces joined are what decoding all ids at once gives.

    A character may be spread over several tokens. Until it is complete it decodes to replacement characters, which are
    held back; real ones (the model said broken UTF-8) come out once something follows them. Each step decodes only the
    tokens since the last complete character, and those before it that the tokenizer needs as context.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._context = 0  # index of the first id that is decoded again
        self._clean = 0  # index of the first id after the last complete character
        self._shown = 0  # characters of the text from `_context` on that came out already

    def push(self, token: int) -> str:
        """The text that this token completes, often empty."""
        self._ids.append(token)
        text = self._text()
        held = unfinished = len(text) - len(text.rstrip(_REPLACEMENT))
        if len(self._ids) - self._clean > _LONGEST_CHARACTER:  # it is broken, except perhaps its last bytes
            held = min(held, _LONGEST_CHARACTER)
        piece = text[self._shown : max(self._shown, len(text) - held)]
        self._shown += len(piece)
        if unfinished == 0 and piece:
            self._context, self._clean = self._clean, len(self._ids)
            self._shown = len(self._text())
        return piece

    def finish(self) -> str:
        """What was held back."""
        return self._text()[self._shown :]

    def _text(self) -> str:
        text: str = self._tokenizer.decode(
            self._ids[self._context :], skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text


class StopTexts:
    """Passes text on up to the first stop text, holding back an end that might be the beginning of one.

    >>> stop = StopTexts(["END"])
    >>> stop.push("the E"), stop.push("N"), stop.push("D of it"), stop.reached
    ('the ', '', '', True)
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = [text for text in texts if text]
        self._held = ""
        self.reached = False

    def push(self, piece: str) -> str:
        """The text that may go out now."""
        if self.reached:
            return ""
        text = self._held + piece
        found = [place for stop in self._texts if (place := text.find(stop)) >= 0]
        if found:
            self.reached, self._held = True, ""
            return text[: min(found)]
        keep = max((_overlap(text, stop) for stop in self._texts), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def finish(self) -> str:
        """What was held back and is no stop text after all."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` with which `stop` begins."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)
