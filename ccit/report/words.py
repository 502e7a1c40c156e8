"""The page's words: what reasons, kinds and verdicts are called for a person, how numbers are written, and `Figure`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from markupsafe import Markup

from ccit.selection.reasons import all_reasons

DEAD_LETTER = "dead_letter"
NOT_MEASURED = "not measured"

# Reasons with a colour of their own in `page.css`, in the order of stack and legend; the others share one.
_COLOURED = (
    *("accepted", "exact_duplicate", "not_novel", "ifd_too_low", "ifd_too_high", "too_short", "too_long"),
    *("not_diverse", "language", "unscored", "not_drawn", "dead_letter"),
)
_DEAD_LETTERS = {DEAD_LETTER: ("Dead letter", "bytes that are no record at all; kept aside with their reason")}

# kind -> (label, what it is, what one would wish: "in", "few" or "out").
KINDS: dict[str, tuple[str, str, str]] = {
    "clean": ("Clean", "a sound answer about something the hospital saw", "in"),
    "redundant": ("Redundant", "sound, but says again what many others say", "few"),
    "near_duplicate": ("Near-duplicate", "a record with a typing error or one word changed", "out"),
    "exact_duplicate": ("Exact duplicate", "the same record sent again", "out"),
    "wrong_answer": ("Wrong answer", "an answer attached to another patient's question", "out"),
    "truncated": ("Cut off", "the answer ends in the middle of a sentence", "out"),
    "one_word": ("One word", "an answer of a single word", "out"),
    "repetitive": ("Repetitive", "one sentence again and again", "out"),
    "garbage": ("Garbage", "bytes that are no record", "out"),
}

OUTCOMES = {"promote": "promoted", "hold": "held", "not_enough_evidence": "not enough evidence"}


def spoken(key: str) -> str:
    """A key as words, for a value that no table here knows.

    >>> spoken("odd_reason")
    'odd reason'
    """
    return key.replace("_", " ").strip() or "unknown"


def shortened(name: str, most: int = 15) -> str:
    """A name that fits beside a curve: its beginning and its end, since names of one kind often begin alike.

    >>> shortened("paediatric cardiology, ward 12")
    'paedia…ward 12'
    """
    return name if len(name) <= most else f"{name[: most // 2 - 1]}…{name[-(most // 2) :]}"


@cache
def reasons() -> Mapping[str, tuple[str, str]]:
    """Reason -> its label and what it means, as checks and policies declare them, in the order of stack and legend."""
    declared = {**all_reasons(), **_DEAD_LETTERS}
    order = [reason for reason in _COLOURED if reason in declared]
    return {reason: declared[reason] for reason in (*order, *(r for r in declared if r not in order))}


def reason_label(reason: str) -> str:
    """What a reason is called on the page."""
    return reasons()[reason][0] if reason in reasons() else spoken(reason)


def reason_class(reason: str) -> str:
    """The style class of a reason; those without a colour of their own share one."""
    return f"r-{reason}" if reason in _COLOURED else "r-other"


def kind_label(kind: str) -> str:
    """What a kind of record is called on the page."""
    return KINDS[kind][0] if kind in KINDS else spoken(kind)


def number(value: float | None) -> str:
    """A count with thousands separated.

    >>> number(12345), number(None)
    ('12,345', 'not measured')
    """
    return NOT_MEASURED if value is None else f"{value:,.0f}"


def percent(share: float | None, digits: int = 0) -> str:
    """A share as a percentage.

    >>> percent(0.337), percent(None)
    ('34 %', 'not measured')
    """
    return NOT_MEASURED if share is None else f"{100 * share:.{digits}f} %".replace("-", "\u2212")


def points(value: float | None) -> str:
    """A difference in percentage points, always with its sign.

    >>> points(-1.25)
    '−1.2 pp'
    """
    if value is None:
        return NOT_MEASURED
    rounded = round(value, 1) + 0.0  # + 0.0 turns -0.0 into 0.0
    return f"{rounded:+.1f} pp".replace("-", "\u2212") if rounded else "0.0 pp"


def duration(value: float | None) -> str:
    """A duration in the unit that reads best.

    >>> duration(0.042), duration(4.25), duration(192)
    ('42 ms', '4.2 s', '3 min 12 s')
    """
    if value is None:
        return NOT_MEASURED
    if abs(value) < 1:
        return f"{1000 * value:.0f} ms"
    if abs(value) < 60:
        return f"{value:.1f} s"
    whole = round(value)
    return f"{whole // 60} min {whole % 60} s"


def clock(value: float) -> str:
    """A moment on a time axis, as minutes and seconds.

    >>> clock(75), clock(0.5)
    ('1:15', '0:00.5')
    """
    minutes, rest = divmod(round(value, 1), 60)
    return f"{minutes:.0f}:{rest:02.0f}" if rest == round(rest) else f"{minutes:.0f}:{rest:04.1f}"


def big(value: float | None) -> str:
    """A large amount with a word for its size.

    >>> big(1_234_000), big(2.5e13), big(950)
    ('1.23 million', '25.0 trillion', '950')
    """
    if value is None:
        return NOT_MEASURED
    for size, word in (
        (1e18, "quintillion"),
        (1e15, "quadrillion"),
        (1e12, "trillion"),
        (1e9, "billion"),
        (1e6, "million"),
    ):
        if abs(value) >= size:
            return f"{value / size:.3g} {word}" if value / size < 10 else f"{value / size:.1f} {word}"
    return f"{value:,.0f}"


def version_name(version: float | None) -> str:
    """A version as people call it.

    >>> version_name(0), version_name(3)
    ('base', 'v3')
    """
    if version is None:
        return NOT_MEASURED
    return f"v{version:.0f}" if version else "base"


@dataclass(frozen=True, slots=True)
class Numbers:
    """The figures behind a drawing, as a table that a reader may unfold."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of a legend: the style class of its swatch, its label, and what it means or counts."""

    class_: str
    label: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One section of the page.

    `sentence` says in plain words what one sees, `finding` what came out in this run (may be empty).
    """

    anchor: str
    title: str
    sentence: str
    body: Markup
    finding: str = ""
    legend: Sequence[Key] = ()
    numbers: Numbers | None = None
