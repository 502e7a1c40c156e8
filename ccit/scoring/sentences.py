"""Splitting a text into sentences, for English, Chinese and what punctuates like them.

Rules instead of a model, because the texts are clinical: decimals (`3.5 mg`), abbreviations (`Dr.`, `e.g.`), bullet
lists and headings without a full stop, Chinese full stops without a blank after them.

The time grows with the length of the text and not faster, whatever is in it (`tests/poison/test_costs.py`).
"""

from __future__ import annotations

import re

# Never the end of a sentence, whatever follows: titles, and what introduces something.
_INTRODUCING = re.compile(
    r"(?:dr|mr|mrs|ms|prof|st|sr|jr|rev|hon|gen|col|lt|sgt|capt|vs?|cf|e\.?g|i\.?e|viz|approx|ca|figs?|eq|nos?|vol|pp|eds?"
    r"|resp|incl|esp|dept|univ|u\.s|u\.k|u\.s\.a|[dthr]x|pts?)",
    re.IGNORECASE,
)
_CLOSERS = "\"'”’»)]}」』）】》"
_OPENERS = "\"'“‘«([{「『（【《"
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"
_WIDE_STOPS = "。！？｡।॥؟۔"

_STOP = re.compile(rf"(?:[{_WIDE_STOPS}]+|[.!?…]+)[{re.escape(_CLOSERS)}]*")
_BULLET = re.compile(r"(?:[-*•·‣◦–—]|\(?\d{1,3}[.)、]|\(?[a-zA-Z][.)])\s+")
_STARTS = re.compile(rf"[{re.escape(_OPENERS)}\-*•·–—]*\s*[^\W_a-zß-öø-ÿ]")
_LAST_WORD = re.compile(r"([^\s(\[\"'“]+)$")
_LONGEST_ABBREVIATION = 32  # characters; bounds what is looked at before each dot
_IDEOGRAPH = re.compile(rf"[{_CJK}]")
_INITIAL = re.compile(r"(?:[A-Z]\.)*[A-Z]$")
_WORD = re.compile(r"\w")


def split_sentences(text: str) -> list[str]:
    """Sentences of a text in order, without surrounding blanks; pieces without a letter or digit are dropped.

    A line break ends a sentence unless the next line goes on in lower case (hard-wrapped text).

    Parameters
    ----------
    text : str
        Any text; line breaks of any kind.

    Example
    -------
    >>> split_sentences("Give 3.5 mg, e.g. at night. Dr. Lee agrees!\\n- Rest\\n- Drink")
    ['Give 3.5 mg, e.g. at night.', 'Dr. Lee agrees!', '- Rest', '- Drink']
    >>> split_sentences("多喝水。注意休息！体温38.5度吗？")
    ['多喝水。', '注意休息！', '体温38.5度吗？']
    """
    sentences: list[str] = []
    for paragraph in _paragraphs(text):
        sentences += _split_line(paragraph)
    return [s for s in sentences if _WORD.search(s)]


def _paragraphs(text: str) -> list[str]:
    """Lines, with hard-wrapped ones joined again."""
    lines: list[list[str]] = []
    blank_before = True
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        stripped = line.strip()
        if not stripped:
            blank_before = True
            continue
        if not blank_before and stripped[0].islower() and not _BULLET.match(stripped):
            lines[-1].append(stripped)
        else:
            lines.append([stripped])
        blank_before = False
    return [" ".join(pieces) for pieces in lines]


def _split_line(line: str) -> list[str]:
    pieces: list[str] = []
    start = 0
    for stop in _STOP.finditer(line):
        if _ends_sentence(line, start, stop):
            pieces.append(line[start : stop.end()].strip())
            start = stop.end()
    rest = line[start:].strip()
    return [*pieces, rest] if rest else pieces


def _ends_sentence(line: str, start: int, stop: re.Match[str]) -> bool:
    """Looks at the line in place: a copy of what follows, made at each stop, would cost the square of its length."""
    before, after = stop.span()
    if after == len(line) or stop.group()[0] in _WIDE_STOPS:
        return True
    if _IDEOGRAPH.match(line, after):  # a western stop inside Chinese text needs no blank, but 3.5 has a digit next
        return before == 0 or not line[before - 1].isdigit()
    if not line[after].isspace():
        return False
    follows = next(i for i in range(after, len(line)) if not line[i].isspace())  # lines have no blanks at their ends
    if not _STARTS.match(line, follows) and not _BULLET.match(line, follows):
        return False
    return stop.group()[0] != "." or not _is_abbreviation(line, start, before)


def _is_abbreviation(line: str, start: int, end: int) -> bool:
    """Whether the dot at `end` belongs to the word before it: `Dr`, `e.g`, the `J` of `J. Smith`, a list's `2`."""
    window = max(start, end - _LONGEST_ABBREVIATION - 1)
    found = _LAST_WORD.search(line[window:end])
    if found is None:
        return True
    word = found.group(1)
    if len(word) > _LONGEST_ABBREVIATION:
        return False
    if _INTRODUCING.fullmatch(word) or _INITIAL.match(word):
        return True
    return window + found.start() == start and word.isdigit()  # `2. Rest` is one list item
