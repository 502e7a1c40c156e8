"""Names of months and days of the week in English, German and French, as texts write them."""

from __future__ import annotations

from ccit.ports.deidentify import folded

_MONTHS = (
    "january jan januar janvier janv jänner",
    "february feb februar février fevrier févr",
    "march mar märz maerz mars mrz",
    "april apr avril avr",
    "may mai",
    "june jun juni juin",
    "july jul juli juillet juil",
    "august aug août aout",
    "september sept sep septembre",
    "october oct oktober okt octobre",
    "november nov novembre",
    "december dec dezember dez décembre decembre déc",
)
MONTHS: dict[str, int] = {word: number for number, words in enumerate(_MONTHS, start=1) for word in words.split()}
"""Word in lower case -> month, 1 to 12."""

_DAYS = (
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday Mon Tues Tue Weds Wed Thurs Thur Thu Fri Sat",
    "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonnabend Sonntag",
    "Lundi Mardi Mercredi Jeudi Vendredi Samedi Dimanche",
    "lundi mardi mercredi jeudi vendredi samedi dimanche",
)
DAYS = tuple(day for days in _DAYS for day in days.split())
"""Written with a capital, but for French: `sun` and `sat` are words."""


def month_in(word: str) -> str:
    """The key in `MONTHS` of a word that a pattern took for one: without regard to case ſ is an s and ı an i.

    >>> MONTHS[month_in("MÄRZ")], MONTHS[month_in("ſept")], MONTHS[month_in("AprıL")]
    (3, 9, 4)
    """
    lower = word.lower()
    return lower if lower in MONTHS else folded(word)


def month_like(word: str, month: int) -> str:
    """The name of a month in the language, case and rough length of another's name.

    >>> month_like("MAR", 10), month_like("märz", 5), month_like("September", 1)
    ('OCT', 'mai', 'January')
    """
    key = month_in(word)
    names = _MONTHS[MONTHS[key] - 1].split()
    wanted, at = _MONTHS[month - 1].split(), names.index(key)
    short = len(word) <= 4 and key != names[0]
    if at < 2 or (len(names) == 2 and at == 0):  # English
        written = wanted[0][:3] if short else wanted[0]
    else:
        others = [name for name in wanted if name not in wanted[:2] and len(name) > 3] or wanted[-1:]
        written = others[0]
    if word.isupper():
        return written.upper()
    return written.capitalize() if word[0].isupper() else written
