"""Replacement that keeps the distances between a patient's dates: keyed pseudonyms, and one offset for all dates.

This is no Safe Harbor: shifted days are days, and a pseudonym is derived from what it stands for. It needs the
determination of an expert, 45 CFR 164.514(b)(1); what leaves is marked so.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import date, timedelta

from ccit.deidentify.calendar_words import month_like
from ccit.deidentify.naming import Naming
from ccit.deidentify.safe_harbor import zip_mask
from ccit.deidentify.written_dates import FULL, NUMBERS, read_date
from ccit.errors import ConfigError
from ccit.ports.deidentify import Kind, Known, folded, folded_words

LEAST_KEY_BYTES = 32
_MOST_DAYS = 365
_MARK, _CHECK = 8, 4
"""Hex digits of a pseudonym in a text, and of those behind them by which this key's own are known again: of marks that
somebody else wrote one in 65,536 passes."""


class Shifted:
    """HMAC-SHA-256 pseudonyms, and dates moved by 1 to 365 days, back or forth, by one number for each patient.

    Example
    -------
    >>> page = Shifted(b"k" * 32).page(Known(), "p-17")
    >>> first, second = page.replacement("date", "2019-03-14"), page.replacement("date", "2019-03-16")
    >>> (date.fromisoformat(second) - date.fromisoformat(first)).days
    2
    """

    def __init__(self, key: bytes, *, day_first: bool = False) -> None:
        if len(key) < LEAST_KEY_BYTES:
            raise ConfigError(
                f"expected a key of at least {LEAST_KEY_BYTES} bytes, found {len(key)}; make a random one"
            )
        self._key = key
        self._day_first = day_first

    def page(self, known: Known, subject: str) -> ShiftedPage:
        """For one document; a document without a subject has its dates masked."""
        days = self._days(subject) if subject else None
        return ShiftedPage(self, Naming(known), days, self._day_first)

    def pseudonym(self, kind: str, value: str) -> str:
        """16 hex digits that stand for a value of a kind, everywhere the same."""
        return hmac.new(self._key, f"{kind}\0{value}".encode(), hashlib.sha256).hexdigest()[:16]

    def mark(self, kind: str, value: str) -> str:
        """12 hex digits that stand for a value of a kind in a text.

        >>> mode = Shifted(b"k" * 32)
        >>> mode.made("name", mode.mark("name", "roe")), mode.made("name", "004711230000")
        (True, False)
        """
        return self._checked(kind, self.pseudonym(kind, value)[:_MARK])

    def made(self, kind: str, mark: str) -> bool:
        """Whether this key made a mark."""
        return hmac.compare_digest(self._checked(kind, mark[:_MARK]).encode(), mark.encode())

    def _checked(self, kind: str, digits: str) -> str:
        return digits + self.pseudonym(f"check of {kind}", digits)[:_CHECK]

    def _days(self, subject: str) -> int:
        drawn = int.from_bytes(hmac.new(self._key, f"days\0{subject}".encode(), hashlib.sha256).digest()[:8], "big")
        return drawn % _MOST_DAYS + 1 if drawn >> 63 else -(drawn % _MOST_DAYS + 1)


class ShiftedPage:
    """Replaces the identifiers of one document."""

    def __init__(self, mode: Shifted, naming: Naming, days: int | None, day_first: bool) -> None:
        self._mode, self._naming, self._days, self._day_first = mode, naming, days, day_first

    def replacement(self, kind: Kind, text: str) -> str:
        """What is written in place of `text`."""
        if kind == "date":
            return self._moved(text)
        if kind == "zip":
            return zip_mask(text)
        if kind == "age":
            return "[90+]"
        plain = " ".join(folded_words(text))
        if kind == "name":
            person = self._naming.record_of(number) if (number := self._naming.person(text)) >= 0 else None
            if person is not None and person.names:
                name = person.names[0]
                plain = folded(" ".join((name.family, *name.given)) or name.text)
        return f"[{kind.upper()}-{self._mode.mark(kind, plain)}]"

    def wrote(self, kind: Kind, mark: str) -> bool:
        """Whether it is a mark of this key."""
        return self._mode.made(kind, mark)

    def _moved(self, text: str) -> str:
        read = read_date(text, day_first=self._day_first)
        found = next((match for pattern in FULL if (match := pattern.match(text)) is not None), None)
        if read.day is None or self._days is None or found is None:
            return "[DATE]"
        try:
            day = read.day + timedelta(days=self._days)
        except OverflowError:
            return "[DATE]"
        return _rewritten(found, read.day, day)


def _rewritten(found: re.Match[str], before: date, after: date) -> str:
    """The same form with another day; the time of day stays."""
    text, groups = found[0], {name: value for name, value in found.groupdict().items() if value is not None}
    new = {"y": f"{after.year:04d}"[-len(groups["y"]) :]}
    if found.re is NUMBERS:
        day_is_first = (int(groups["a"]), int(groups["b"])) == (before.day, before.month)
        order = (after.day, after.month) if day_is_first else (after.month, after.day)
        new |= {name: _like(groups[name], number) for name, number in zip("ab", order, strict=True)}
    else:
        new["d"] = _like(groups["d"], after.day)
        new |= {"w": month_like(groups["w"], after.month)} if "w" in groups else {"m": _like(groups["m"], after.month)}
    for name in sorted(new, key=found.start, reverse=True):
        left, right = found.start(name) - found.start(), found.end(name) - found.start()
        text = text[:left] + new[name] + text[right:]
    return text


def _like(digits: str, number: int) -> str:
    """With a leading zero where two digits stood: a reader of runs of digits needs it, and no other minds."""
    return str(number).zfill(len(digits))
