"""The page's words: what reasons, kinds and verdicts are called for a person, how numbers are written, and `Figure`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

DEAD_LETTER = "dead_letter"
NOT_MEASURED = "not measured"

# reason -> (label, what it means), in the order in which the checks run: the order of stack and legend.
REASONS: dict[str, tuple[str, str]] = {
    "accepted": ("Accepted", "new, sound and worth learning from"),
    "exact_duplicate": ("Exact duplicate", "word for word a record seen before"),
    "not_novel": ("Not novel", "says nearly what is already in the pool or was trained on"),
    "ifd_too_low": ("Too easy (IFD low)", "the model already knows this answer"),
    "ifd_too_high": ("Suspicious (IFD high)", "the answer does not follow from its question"),
    "too_short": ("Too short", "fewer words than an answer needs"),
    "too_long": ("Too long", "more than the models can read"),
    "not_diverse": ("Repeats itself", "its sentences say the same thing again and again"),
    "language": ("Other language", "in a language that this system does not read"),
    "unscored": ("Could not be scored", "a score could not be computed, so it was not guessed"),
    "not_drawn": ("Not drawn", "left out by lot: the random arm that selection is compared with"),
    DEAD_LETTER: ("Dead letter", "bytes that are no record at all; kept aside with their reason"),
}

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


def reason_label(reason: str) -> str:
    """What a reason is called on the page."""
    return REASONS[reason][0] if reason in REASONS else spoken(reason)


def reason_class(reason: str) -> str:
    """The style class of a reason; unknown ones share one."""
    return f"r-{reason}" if reason in REASONS else "r-other"


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


def seconds(value: float | None) -> str:
    """A duration in the unit that reads best.

    >>> seconds(0.042), seconds(4.25), seconds(192)
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
