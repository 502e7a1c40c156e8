"""Numbers: one that an answer has and the record has not is made up, be it a dose or a year."""

from __future__ import annotations

import re
import unicodedata

from ccit.generation.replies import Fault, Reply
from ccit.generation.source import SourceText

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_LISTED = re.compile(r"^[ \t]*(?:\(?\d{1,2}[.)、])(?=\s|\D)", re.MULTILINE)  # the numbering of a list tells nothing


def numbers_in(text: str) -> set[str]:
    """Each number in one form: `1,000` as `1000`, `5.0` as `5`, digits of other scripts as ours.

    >>> sorted(numbers_in("1. 5.0 mg of 1,000; 7,5 %"))
    ['1000', '5', '7.5']
    """
    plain = unicodedata.normalize("NFKC", _LISTED.sub(" ", text))
    return {_one_form(found) for found in _NUMBER.findall(plain)}


def _one_form(number: str) -> str:
    thousands = re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", number)
    plain = number.replace(",", "") if thousands else number.replace(",", ".")
    if plain.count(".") == 1:
        plain = plain.rstrip("0").rstrip(".")
    return plain.lstrip("0") or "0"


def fault_of_numbers(reply: Reply, source: SourceText) -> Fault | None:
    """How many numbers of question and answer the record does not hold.

    >>> fault_of_numbers(Reply("", "", "He takes 50 mg.", ()), SourceText("Takes 5 mg.", "en", "")).sentence
    'The answer has a number that the record does not hold: 1 of them.'
    """
    made_up = numbers_in(f"{reply.question}\n{reply.answer}") - numbers_in(source.text)
    if not made_up:
        return None
    return Fault("numbers", f"The answer has a number that the record does not hold: {len(made_up)} of them.")
