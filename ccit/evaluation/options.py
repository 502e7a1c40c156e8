"""Lettered options: finding them at the end of a question, and reading which of them an answer names.

A letter counts only where it stands as an answer. `A` is also a word, and an answer may speak of options that it
refuses (`A and B are both wrong; C.`), so what cannot be read for certain is refused: a wrong gold answer is worse.
Full-width letters and marks are read as the plain ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from ccit.errors import InputError

_PLAIN = {0x3000: " ", 0xFF0E: ".", **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}}
_AFTER_OPTIONS = 1  # lines that may follow the last option: "Answer with the letter."

# A line of an option: `A. x`, `A) x`, `(A) x`, `A: x`, `A、x`, and the same in lower case.
_OPTION = re.compile(r"^[ \t]*(?:\(([A-Za-z])\)[ \t]*|([A-Za-z])(?:[.):][ \t]+|、[ \t]*))(?=\S)", re.MULTILINE)

_L = r"(?<![A-Za-z0-9])\(?([A-Za-z])\)?(?![A-Za-z0-9'’])"  # a letter that stands alone, perhaps in brackets
_NOT_ONE_OF_TWO = r"(?!\s*(?:or|and|/|&|,|或|和|与|及|、)\s*\(?[A-Za-z]\b)"
_LEADING = re.compile(r"\s*(?:\(([A-Za-z])\)|([A-Za-z])(?:\s*[.):、]|\s+[-–—](?=\s)|\s*(?:\n|$)))" + _NOT_ONE_OF_TWO)
_STATEMENTS = (
    re.compile(
        rf"\b(?:answer|option|choice)(?:\s+is)?(?:\s*:)?\s+(?:option\s+)?['\"“]?{_L}{_NOT_ONE_OF_TWO}"
        r"(?=\s*(?:[.,;:)'\"”。，；]|$|\n|because\b|since\b|as\b|is\s+(?:correct|right)))",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?<!or )(?<!and )(?<!nor )(?<!not ){_L}\s+is\s+(?:the\s+)?(?:correct|right|true|best)\b", re.IGNORECASE
    ),
    re.compile(rf"(?:[;:；：。.]\s*|\b(?:so|therefore|thus|hence),?\s+){_L}[.!。]?\s*$", re.IGNORECASE | re.MULTILINE),
    re.compile(rf"答案\s*(?:应该是|应为|应是|是|为)?\s*:?\s*{_L}{_NOT_ONE_OF_TWO}"),
    re.compile(rf"(?<!不)(?<!没)(?:故|应|应该)?选(?:择|项)?\s*{_L}{_NOT_ONE_OF_TWO}(?!\s*(?:不|错|是错))"),
    re.compile(rf"(?<![和与及或、]){_L}\s*(?:项)?(?:是|为)?\s*(?:正确|对的)"),
)


def options_at_end(question: str) -> tuple[str, ...]:
    """The options in lines at the end of a question, as `A. text`; empty when there are not two.

    The last option ends with its line, unless others span lines too; one line more may follow.

    >>> options_at_end("Which nerve?\\n(A) Facial\\n(B) Vagus\\nAnswer with the letter.")
    ('A. Facial', 'B. Vagus')
    """
    plain = question.translate(_PLAIN)
    marks = list(_OPTION.finditer(plain))
    starts = [i for i, mark in enumerate(marks) if _letter(mark) == "A"]
    run = marks[starts[-1] :] if starts else []
    if len(run) < 2 or [_letter(m) for m in run] != [chr(ord("A") + i) for i in range(len(run))]:
        return ()
    texts = [question[m.end() : after.start()].strip() for m, after in pairwise(run)]
    last = question[run[-1].end() :].rstrip()
    if any("\n" in text for text in texts):
        last, _, rest = last.partition("\n\n")
    else:
        last, _, rest = last.partition("\n")
    if len([line for line in rest.splitlines() if line.strip()]) > _AFTER_OPTIONS:
        return ()
    return tuple(f"{_letter(m)}. {text}" for m, text in zip(run, [*texts, last.strip()], strict=True))


def option_named(answer: str, options: Sequence[str]) -> str:
    """The option that an answer names: at its beginning, in a sentence of its first line, or else further down.

    Raises
    ------
    InputError
        `wrong_schema`: it names none, or two.

    >>> option_named("A daily dose of 500 mg is right, so C.", ["A. 5 mg", "B. 50 mg", "C. 500 mg"])
    'C. 500 mg'
    """
    plain = answer.translate(_PLAIN).strip()
    leading = _LEADING.match(plain)
    named = {_letter(leading)} if leading else set()
    first, _, rest = _beyond(plain, leading, options).partition("\n")
    named |= _stated(first)
    named = named or _stated(rest) or {option[0] for option in options if _same(option[3:], plain)}
    found = [option for option in options if option[0] in named]
    if len(named) == len(found) == 1:
        return found[0]
    known = f"{options[0][0]} to {options[-1][0]}"
    said = "none for certain" if not named else "more than one" if len(named) > 1 else "a letter beyond"
    raise InputError(
        "wrong_schema", f"output: expected one of the options {known}, found {said}; begin with its letter"
    )


def _beyond(answer: str, leading: re.Match[str] | None, options: Sequence[str]) -> str:
    """What an answer says after a leading letter and the text of its option, which may itself hold letters."""
    if leading is None:
        return answer
    after = answer[leading.end() :].lstrip()
    for option in options:
        text = option[3:].translate(_PLAIN).strip()
        if option[0] == _letter(leading) and after.casefold().startswith(text.casefold()):
            return after[len(text) :]
    return after


def _stated(text: str) -> set[str]:
    return {match[1].upper() for pattern in _STATEMENTS for match in pattern.finditer(text) if _is_letter(match)}


def _is_letter(match: re.Match[str]) -> bool:
    """Whether it is no word: a small letter counts with a bracket after it, or at the end of what is said."""
    follows = match.string[match.end(1) : match.end(1) + 1]
    return match[1].isupper() or follows in ("", ")", ".", "\n")


def _letter(match: re.Match[str]) -> str:
    return (match[1] or match[2]).upper()


def _same(option: str, answer: str) -> bool:
    return option.translate(_PLAIN).strip(" .。").casefold() == answer.strip(" .。").casefold()
