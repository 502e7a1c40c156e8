"""From tokens to text while they come: whole characters only, and nothing that may become a stop text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokenizers import Tokenizer

from ccit.errors import ModelUnusable

_INCOMPLETE = "\N{REPLACEMENT CHARACTER}"


class IncrementalDecoder:
    """Turns a growing list of token ids into text, of which nothing is taken back.

    The pieces joined are what decoding all ids at once gives, but for what follows broken UTF-8 (below). A character
    may be spread over several tokens; what is incomplete is held back. Replacement characters that the model means (it
    said broken UTF-8) come out once something follows them.

    A token's text depends on those before it, so each piece is the difference of two decodings that begin at the last
    piece, as in vLLM's `detokenize_incrementally`. `DecodeStream` of the tokenizers library does the same, and raises
    an error where a later token changes what has come out: a tokenizer with byte tokens (Llama 2, Gemma, Mistral) makes
    `é` of `<0xC3> <0xA9>`, and three replacement characters once `<0x80>` follows. Here what has come out stays, and
    replacement characters come after it.

    Raises
    ------
    ModelUnusable
        The tokenizer is none of the `tokenizers` library.

    Example
    -------
    >>> from ccit.testing import byte_tokenizer
    >>> tokenizer = byte_tokenizer()
    >>> decoder = IncrementalDecoder(tokenizer)
    >>> [decoder.push(token) for token in tokenizer("né")["input_ids"]], decoder.finish()
    (['n', '', 'é'], '')
    """

    def __init__(self, tokenizer: Any) -> None:
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if not isinstance(backend, Tokenizer):
            raise ModelUnusable(
                f"answers are streamed through the tokenizers library, but {type(tokenizer).__name__} is not made of "
                "it; convert it to tokenizer.json"
            )
        self._tokenizer: Tokenizer = backend
        self._ids: list[int] = []  # of the last piece, and what has come since
        self._last = 0  # ids of the last piece
        self._shown = ""  # what they decode to by themselves

    def push(self, token: int) -> str:
        """The text that this token completes, often empty."""
        self._ids.append(token)
        text = self._decoded()
        if len(text) <= len(self._shown) or text.endswith(_INCOMPLETE):
            return ""
        piece = text[len(self._shown) :]
        del self._ids[: self._last]
        self._last, self._shown = len(self._ids), self._decoded()
        return piece

    def finish(self) -> str:
        """What was held back."""
        return self._decoded()[len(self._shown) :]

    def _decoded(self) -> str:
        text: str = self._tokenizer.decode(self._ids, skip_special_tokens=True)
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
