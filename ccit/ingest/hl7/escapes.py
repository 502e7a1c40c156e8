"""Escape sequences inside a field (HL7 v2, chapter 2, "Use of escape sequences in text fields").

What is defined is replaced, everything else stays as it stands: a backslash that nobody closed, a local `\\Z..\\`, a
code page switch `\\C..\\`. Nothing is ever lost but highlighting (`\\H\\`, `\\N\\`) and marks of fill and indent.
"""

from __future__ import annotations

import re
from functools import lru_cache

_BREAKS = ("br", "sp", "ce")
_MOST_BREAKS = 20  # `\\.sp999999999\\` is one message's idea of a joke


class Unescape:
    """Replaces the escape sequences of one message.

    Parameters
    ----------
    separators : str
        The five or six characters of MSH-1 and MSH-2: field, component, repetition, escape, subcomponent, truncation.
    codec : str
        In which hexadecimal sequences are read.

    Example
    -------
    >>> unescape = Unescape("|^~\\\\&", "utf-8")
    >>> unescape(r"Smith \\T\\ Jones\\.br\\4\\5 re \\X0D\\\\X0A\\.")
    'Smith & Jones\\n4\\\\5 re \\n.'
    """

    def __init__(self, separators: str, codec: str) -> None:
        field, component, repetition, self._escape, subcomponent, *truncation = tuple(separators)
        self._codec = codec
        self._letters = {
            "F": field,
            "S": component,
            "R": repetition,
            "E": self._escape,
            "T": subcomponent,
            "P": truncation[0] if truncation else "#",
            "H": "",
            "N": "",
        }
        self._sequence = _sequence(self._escape)

    def __call__(self, text: str) -> str:
        """The text that was meant, with `\\n` at line ends; time is linear in its length."""
        if self._escape in text:
            text = self._sequence.sub(self._meant, text)
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text

    def _meant(self, found: re.Match[str]) -> str:
        inner, hexes = found["inner"], found["hexes"]
        if hexes is not None:
            return self._characters(hexes)
        if inner in self._letters:
            return self._letters[inner]
        name, count = inner[1:3], inner[3:]
        if name in _BREAKS:
            return "\n" * min(int(count.lstrip("+-") or 1), _MOST_BREAKS)
        return ""  # fill, indent, temporary indent

    def _characters(self, hexes: str) -> str:
        """Sequences that follow each other are one run of bytes: a character may be spread over two of them."""
        value = bytes.fromhex("".join(hexes.replace(self._escape, " ").replace("X", " ").split()))
        try:
            return value.decode(self._codec)
        except UnicodeDecodeError:
            return value.decode("latin-1")


@lru_cache(maxsize=64)
def _sequence(escape: str) -> re.Pattern[str]:
    e = re.escape(escape)
    return re.compile(
        rf"(?P<hexes>(?:{e}X(?:[0-9A-Fa-f]{{2}})++{e})++)"
        rf"|{e}(?P<inner>[FSRETPHN]|\.(?:br|ce|fi|nf)|\.(?:sp|in|ti|sk)[+-]?\d{{0,4}}){e}"
    )
