"""Recognisers and a mode, together: a text in, a masked text out, or the refusal to let it go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ccit.deidentify.earlier_masks import earlier_masks
from ccit.deidentify.masking import mask, overlapping, united
from ccit.deidentify.residual import residue
from ccit.ports.deidentify import Known, Mode, Page, Range, Recogniser, Replacing, Span

_AROUND = 160
"""Characters around a mask that are looked at again; no recogniser but that of URLs reaches further."""

PASSES = 3
"""How often a text is masked before what is still found counts as left over: a mask may bring two pieces together."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A masked text.

    Parameters
    ----------
    replaced : tuple[Span, ...]
        What was found at the first look, by its place in the original.
    masks : tuple[tuple[int, int], ...]
        Where replacements stand in the new text.
    left : tuple[Span, ...]
        What was found again after masking: not empty means that the text must not go on.
    """

    text: str = field(repr=False)
    replaced: tuple[Span, ...]
    masks: tuple[tuple[int, int], ...]
    left: tuple[Span, ...] = ()


class Deidentifier:
    """Masks what its recognisers find, looks again until nothing new is found, and then looks by other means.

    Parameters
    ----------
    recognisers : Mapping[str, Recogniser]
        By their kinds. What they find is united: each of them can only add.

    Example
    -------
    >>> from ccit.deidentify.safe_harbor import SafeHarbor
    >>> from ccit.testing import recognisers
    >>> clean = Deidentifier(recognisers(), SafeHarbor()).clean("Seen by Dr. Ann Roe on 3/14/2019.")
    >>> clean.text, clean.left
    ('Seen by Dr. [NAME-1] on [2019].', ())
    """

    def __init__(self, recognisers: Mapping[str, Recogniser], mode: Mode) -> None:
        self._recognisers = recognisers
        self._mode = mode

    def clean(self, text: str, known: Known | None = None, subject: str = "") -> Cleaned:
        """Mask one text of its own."""
        known = known or Known()
        return self.clean_page(text, known, self.page(known, subject))

    def page(self, known: Known, subject: str) -> Replacing:
        """What replaces, the same for all texts of one document."""
        return self._mode.page(known, subject)

    def clean_page(self, text: str, known: Known, replacing: Replacing, only: Sequence[str] = ()) -> Cleaned:
        """Mask one text of a document.

        Parameters
        ----------
        only : Sequence[str]
            The kinds of the recognisers that look; all where it is empty.
        """
        page = Page(text, known)
        masks: Sequence[Range]
        masks, others = earlier_masks(text, known, replacing)
        spans = first = self._found(page, masks, only, others)
        for _ in range(PASSES):
            if not spans:
                break
            masked = mask(page, spans, masks, replacing)
            page, masks = Page(masked.text, known), masked.masks
            spans = self._found_near(page, masks, only)
        left = spans or residue(page.text, masks, known)
        return Cleaned(page.text, tuple(first), tuple(masks), tuple(left))

    def _found_near(self, page: Page, masks: Sequence[Range], only: Sequence[str]) -> list[Span]:
        """What is found around the masks: the text elsewhere is as it was, and was looked at."""
        found: list[Span] = []
        ends = [right for _, right in masks]
        for start, end in _surroundings(page.text, masks):
            inside = [
                (max(left, start) - start, min(right, end) - start)
                for left, right in overlapping(start, end, masks, ends)
            ]
            spans = self._found(Page(page.text[start:end], page.known), inside, only)
            found += [Span(span.start + start, span.end + start, span.kind, span.rule) for span in spans]
        return found

    def _found(
        self, page: Page, masks: Sequence[Range], only: Sequence[str], others: Sequence[Span] = ()
    ) -> list[Span]:
        looking = [r for kind, r in self._recognisers.items() if not only or kind in only]
        return united((*others, *(span for r in looking for span in r.find(page))), masks, page.text)


def _surroundings(text: str, masks: Sequence[Range]) -> list[Range]:
    """The masks with `_AROUND` characters on both sides, united where they meet, cut at blanks."""
    found: list[Range] = []
    for left, right in masks:
        start = text.rfind(" ", 0, max(0, left - _AROUND)) + 1
        end = text.find(" ", right + _AROUND)
        end = len(text) if end < 0 else end
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
