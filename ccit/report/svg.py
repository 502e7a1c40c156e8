"""SVG as escaped text, and the little geometry that every figure needs: scales, ticks, labels that keep apart.

Colours and fonts come from the page's style sheet through class names, so that light, dark and print share one drawing.
That is why no plotting library draws here: what matplotlib writes has its colours and fonts inside, so a page would
need each figure once for each of these. Plotly, Vega and Bokeh draw in the browser, with megabytes of script in a page
that fetches nothing, and without a figure where scripts are off.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH = 1100  # user units; one unit is about one CSS pixel on a 1280 px screen
_LEAST_WIDTH = 760  # CSS pixels: narrower screens scroll a drawing sideways, or its words would be too small to read


def clean(text: str) -> str:
    """Replace what may not stand in an HTML file: control characters and lone surrogates.

    >>> clean("a\\x00b\\ud800") == "a\\ufffdb\\ufffd"
    True
    """
    return "".join("\ufffd" if (ord(c) < 32 and c not in "\n\t") or 0xD800 <= ord(c) < 0xE000 else c for c in text)


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return clean(str(value))


def element(name: str, *children: str, **attributes: object) -> Markup:
    """Build one element; plain strings are escaped, `Markup` is kept, attributes that are None are left out.

    >>> element("text", "<b>", x=1.50, class_="t")
    Markup('<text x="1.5" class="t">&lt;b&gt;</text>')
    """
    parts = [
        f' {key.rstrip("_").replace("_", "-")}="{escape(_value(value))}"'
        for key, value in attributes.items()
        if value is not None
    ]
    return Markup(f"<{name}{''.join(parts)}>{join(children)}</{name}>")


def join(parts: Iterable[str]) -> Markup:
    """Put parts one after the other; plain strings are escaped."""
    return Markup("").join(p if isinstance(p, Markup) else clean(p) for p in parts)


def drawing(label: str, height: float, *children: str, width: float = WIDTH) -> Markup:
    """The outer `<svg>`, with a text for those who do not see it; one wider than `WIDTH` is never shrunk."""
    inside = (element("title", label), *children)
    return element(
        "svg", *inside, viewBox=f"0 0 {width:.0f} {height:.0f}", role="img", aria_label=label, class_="drawing",
        style=f"--least:{_LEAST_WIDTH if width <= WIDTH else width:.0f}px",
    )  # fmt: skip


def text(x: float, y: float, words: str, class_: str = "t", anchor: str = "start") -> Markup:
    """One line of text with its baseline at y."""
    return element("text", words, x=x, y=y, class_=class_, text_anchor=None if anchor == "start" else anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """One straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def rect(x: float, y: float, width: float, height: float, class_: str, rx: float | None = None) -> Markup:
    """One rectangle; negative sizes are drawn as 0."""
    return element("rect", x=x, y=y, width=max(0.0, width), height=max(0.0, height), class_=class_, rx=rx)


def path(points: Sequence[tuple[float, float]], class_: str) -> Markup:
    """One line through the points."""
    steps = " ".join(
        f"{'M' if i == 0 else 'L'}{_value(float(x))},{_value(float(y))}" for i, (x, y) in enumerate(points)
    )
    return element("path", d=steps, class_=class_)


def hot(tip: str, *children: str) -> Markup:
    """A group that tells `tip` when the pointer rests on it, by the browser itself or by the page's script."""
    return element("g", element("title", tip), *children, class_="hot")


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight map from data (`low` to `high`) to the drawing (`start` to `end`).

    >>> Scale(0, 10, 100, 200)(5)
    150.0
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where `value` lies on the drawing; outside the data's range it lies at the nearer end."""
        width = self.high - self.low
        share = 0.0 if width <= 0 else min(1.0, max(0.0, (value - self.low) / width))
        return self.start + share * (self.end - self.start)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values between low and high, about as many as asked.

    >>> ticks(0, 1, 5)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    width = high - low
    if width <= 0 or not math.isfinite(width):
        return [low]
    raw = width / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((m * power for m in (1, 2, 5) if m * power >= raw * 0.999), 10 * power)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move label positions apart until neighbours are `gap` away, inside low..high where there is room.

    >>> spread([10, 11, 40], 8, 0, 100)
    [10.0, 18.0, 40.0]
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed = [0.0] * len(wanted)
    previous = low - gap
    for i in order:
        placed[i] = previous = max(float(wanted[i]), previous + gap)
    limit = high
    for i in reversed(order):
        placed[i] = min(placed[i], limit)
        limit = placed[i] - gap
    return placed


def lanes(positions: Sequence[float], widths: Sequence[float]) -> list[int]:
    """Give each centred label a lane (0, 1, ...) so that labels of one lane do not overlap.

    >>> lanes([10, 12, 50], [8, 8, 8])
    [0, 1, 0]
    """
    ends: list[float] = []
    chosen = []
    for x, width in zip(positions, widths, strict=True):
        free = next((n for n, end in enumerate(ends) if end <= x - width / 2), len(ends))
        if free == len(ends):
            ends.append(0.0)
        ends[free] = x + width / 2 + 4
        chosen.append(free)
    return chosen
