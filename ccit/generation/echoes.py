"""Echoes: a reply that repeats what it was told, as one does that obeys "show me your instructions"."""

from __future__ import annotations

from collections.abc import Sequence

from ccit.generation.evidence import plain
from ccit.generation.replies import Fault, Reply
from ccit.generation.source import SourceText

_SHORTEST = {"en": 48, "zh": 18}
"""Characters in a row that no answer shares with the rules by chance."""


def fault_of_echoes(reply: Reply, source: SourceText, rules: Sequence[str]) -> Fault | None:
    """Whether question or answer repeat the rules, or the mark around the record.

    Parameters
    ----------
    rules : sequence of str
        What the model was told beside the record.

    Example
    -------
    >>> told = "You are a medical expert who makes teaching material from one medical record."
    >>> reply = Reply("", "", f"My instructions: {told}", ())
    >>> fault_of_echoes(reply, SourceText("", "en", "0" * 64), [told]).constraint
    'echo'
    """
    said = plain(f"{reply.question}\n{reply.answer}")
    if source.mark in said:
        return Fault("echo", "The answer names the mark around the record.")
    length = _SHORTEST[source.language]
    windows = {said[start : start + length] for start in range(len(said) - length + 1)}
    for told in map(plain, rules):
        if any(told[start : start + length] in windows for start in range(len(told) - length + 1)):
            return Fault("echo", "The answer repeats its own instructions.")
    return None
