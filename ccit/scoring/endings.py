"""Does a text end where its writer meant it to? Told by its form alone.

    1.00  it ends with a full stop (or ! ? and their like), and every bracket is closed
    0.75  it ends with one, but a bracket or quotation mark is still open
    0.50  it has no full stop at its end, and none before, or it ends in a list, a title or a signature
    0.25  it has none at its end, though its sentences have: the last one is broken off
    0.00  it ends in a comma, a hyphen, a colon, an open bracket, or in a word that must be followed (`of`, `the`)

A language model could say how likely the text is to end here; that asks for the probability of the end of the turn,
which the proxy's pass over the response does not compute. The form needs no model, and sees what a length limit
does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

COMPLETE, OPEN_BRACKET, PHRASE, BROKEN_OFF, MUST_GO_ON = 1.0, 0.75, 0.5, 0.25, 0.0

_STOPS = ".!?…。！？｡।॥؟۔"
_CLOSERS = "\"'”’»)]}」』）】》*_`"
_GOES_ON = ",;:-–—(/[{「『（【《&+=，、；："
_PAIRS = {"(": ")", "[": "]", "{": "}", "（": "）", "【": "】", "「": "」", "『": "』", "《": "》", "“": "”", "«": "»"}
_OPENERS = {closer: opener for opener, closer in _PAIRS.items()}
_LIST_MARK = re.compile(r"(?:^|(?<=\s))\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})\)")  # `a)` and `(1)` open nothing
_SMALL_WORD = 3  # letters up to which a word of a title stays without a capital
_BULLET = re.compile(r"\s*(?:[-*•·‣◦–—|]|\(?\d{1,3}[.)、]|\(?[a-zA-Z][.)])\s*\S")
_LABEL = re.compile(r"\s*\(?[a-zA-Z0-9]{1,2}[.)、:]\s")  # of an option: `C. Vibrio`
_CITATIONS = re.compile(r"(?:\s*\[\d[\d,\s–-]*\])+$")
_STOP_INSIDE = re.compile(rf"[{_STOPS}][{re.escape(_CLOSERS)}]*(?=\s)|[。！？]")
_LAST_WORD = re.compile(r"([^\W\d_]+)$")

_MUST_BE_FOLLOWED: Mapping[str, str] = {  # language -> words
    "en": """
        a an the of to for from with by at in into onto on and or but nor if because although though while whereas
        than as that which who whose whom when where is are was were be been being am has have had will would shall
        should can could may might must do does did not no very more most less least such their his her its our your
        my this these those every each any some between among during before after without within about under over
        per via due including
    """,
    "de": """
        der die das den dem des ein eine einen einem einer eines und oder aber weil dass wenn mit von zu zum zur im in
        am an auf für bei nach aus über unter ist sind war wird werden kann sollte muss sehr nicht kein keine
    """,
    "fr": """
        le la les un une des du de d l et ou mais que qui dont dans sur sous avec sans pour par en au aux est sont
        sera ne très plus moins ce cette ces son sa ses
    """,
    "es": """
        el la los las un una unos unas de del y o pero que en con sin para por a al es son será muy más menos su sus
        este esta estos estas se no como
    """,
}
_WORDS = {language: frozenset(words.split()) for language, words in _MUST_BE_FOLLOWED.items()}


def completeness(text: str, language: str) -> float:
    """How the text ends, 0 to 1, by the table above.

    Parameters
    ----------
    language : str
        Primary subtag of BCP 47. Which words must be followed is known for en, de, fr and es.

    Example
    -------
    >>> [completeness(text, "en") for text in ("Rest well.", "Rest. Then (again.", "Nexium", "Rest. Then go", "Two of")]
    [1.0, 0.75, 0.5, 0.25, 0.0]
    """
    said = _CITATIONS.sub("", text.rstrip())
    bare = said.rstrip(_CLOSERS)
    if not bare or bare[-1] in _GOES_ON or (bare == said and _must_be_followed(bare, language)):
        return MUST_GO_ON
    if bare[-1] in _STOPS:
        return OPEN_BRACKET if _has_open_bracket(said) else COMPLETE
    label = _LABEL.match(said)
    stops = [stop.end() for stop in _STOP_INSIDE.finditer(said, label.end() if label else 0)]
    return BROKEN_OFF if stops and not _is_list(said) and not _is_signature(said[stops[-1] :]) else PHRASE


def _must_be_followed(bare: str, language: str) -> bool:
    """Neither capitals (vitamin A) nor a word alone (`No`) must be followed."""
    last = _LAST_WORD.search(bare)
    if last is None or last.group().isupper() or last.start() == 0:
        return False
    return last.group().lower() in _WORDS.get(language, frozenset())


def _has_open_bracket(text: str) -> bool:
    waiting: list[str] = []
    for sign in _LIST_MARK.sub(" ", text):
        if sign in _PAIRS:
            waiting.append(sign)
        elif waiting and _OPENERS.get(sign) == waiting[-1]:
            waiting.pop()
    return bool(waiting)


def _is_list(text: str) -> bool:
    """Whether the last two lines are items; those end without a full stop as a rule."""
    lines = [line for line in text.splitlines() if line.strip()][-2:]
    return len(lines) == 2 and all(_BULLET.match(line) for line in lines)


def _is_signature(text: str) -> bool:
    """Whether it is a name or title (National Institute on Aging): each long word has a capital."""
    words = [word for word in text.split() if len(word) > _SMALL_WORD]
    return len(words) > 1 and all(word.lstrip("([\"'").istitle() or word.isupper() for word in words)
