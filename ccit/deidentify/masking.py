"""Spans -> a masked text, and where in it the masks are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ccit.deidentify.earlier_masks import held_in
from ccit.ports.deidentify import Page, Range, Replacing, Span


@dataclass(frozen=True, slots=True)
class Masked:
    """A text after masking: what was replaced (places in the text before), and where replacements stand now."""

    text: str = field(repr=False)
    replaced: tuple[Span, ...]
    masks: tuple[Range, ...]


def united(spans: Iterable[Span], taken: Sequence[Range], text: str) -> list[Span]:
    """Spans that do not overlap, in order, outside of what is masked already.

    Of spans that overlap, one remains over all of them, of the kind of the longest, the first such.

    Parameters
    ----------
    taken : Sequence[Range]
        In order, without overlaps.

    >>> united([Span(0, 4, "name", "a"), Span(2, 9, "place", "b")], [], "Ann Street")
    [Span(start=0, end=9, kind='place', rule='b')]
    """
    joined: list[Span] = []
    longest = 0
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if joined and span.start < joined[-1].end:
            last = joined[-1]
            lead = span if span.end - span.start > longest else last
            longest = max(longest, span.end - span.start)
            joined[-1] = Span(last.start, max(last.end, span.end), lead.kind, lead.rule)
        else:
            joined.append(span)
            longest = span.end - span.start
    ends = [right for _, right in taken]
    return [piece for span in joined for piece in _outside(span, taken, ends) if _says_something(text, piece)]


def mask(page: Page, spans: Sequence[Span], taken: Sequence[Range], replacing: Replacing) -> Masked:
    """Write each span's replacement in its place.

    Parameters
    ----------
    spans : Sequence[Span]
        As `united` gives them.
    taken : Sequence[Range]
        What is masked already; its places move along.
    """
    pieces: list[str] = []
    masks: list[Range] = []
    length = at = 0
    todo: list[tuple[int, int, Span | None]] = [(span.start, span.end, span) for span in spans]
    todo += [(start, end, None) for start, end in taken]
    for start, end, span in sorted(todo, key=lambda item: item[:2]):
        written = page.text[start:end]
        if span is not None:
            written = replacing.replacement(span.kind, held_in(written))
        pieces += [page.text[at:start], written]
        length += start - at
        masks.append((length, length + len(written)))
        length += len(written)
        at = end
    return Masked("".join([*pieces, page.text[at:]]), tuple(spans), tuple(masks))


def overlapping(start: int, end: int, taken: Sequence[Range], ends: Sequence[int]) -> Sequence[Range]:
    """Of ranges in order, those that share a character with `start <= i < end`; `ends` are their own.

    >>> overlapping(4, 9, [(0, 4), (4, 5), (8, 12), (12, 13)], [4, 5, 12, 13])
    [(4, 5), (8, 12)]
    """
    first = last = bisect_right(ends, start)
    while last < len(taken) and taken[last][0] < end:
        last += 1
    return taken[first:last]


def _outside(span: Span, taken: Sequence[Range], ends: Sequence[int]) -> Iterable[Span]:
    start = span.start
    for left, right in overlapping(span.start, span.end, taken, ends):
        if left > start:
            yield Span(start, left, span.kind, span.rule)
        start = right
    if start < span.end:
        yield Span(start, span.end, span.kind, span.rule)


def _says_something(text: str, span: Span) -> bool:
    return any(character.isalnum() for character in text[span.start : span.end])
