"""Long runs of digits: no measurement has so many."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from ccit.deidentify.beginnings import before
from ccit.deidentify.matching import spans_of
from ccit.plugins import PluginSettings, plugin
from ccit.ports.deidentify import Page, RecogniserContext, Span


@plugin("recogniser")
class LongNumbers:
    """Finds numbers of `digits` digits and more that no unit follows, and codes of letters with so many digits.

    Whatever they are, they are unique in a clinical text: orders, accessions, specimens, visits.

    Example
    -------
    >>> page = Page("Accessioned as 2590157853 and B1234567; viral load 1250000 copies/mL; platelets 250000.")
    >>> [page.text[s.start : s.end] for s in LongNumbers(LongNumbers.Settings(), RecogniserContext()).find(page)]
    ['2590157853', 'B1234567']
    """

    class Settings(PluginSettings):
        """How long is long."""

        kind: Literal["long_numbers"] = "long_numbers"
        digits: int = Field(7, ge=5, description="digits of a number that identifies")

    def __init__(self, settings: Settings, context: RecogniserContext) -> None:
        self._pattern = re.compile(
            rf"(?<![\w.])(?P<it>[A-Za-z]{{0,6}}-?\d{{{settings.digits},40}}[A-Za-z]{{0,3}})(?![\w]|\.\d)"
            r"(?!\s?(?:copies|iu|u/|cells|cfu|/|ml\b|mg\b|x10))",
            re.IGNORECASE,
        )
        self._long_run = rf"(?<!\d)\d{{{settings.digits}}}"

    def find(self, page: Page) -> Iterable[Span]:
        """Each number whole."""
        yield from spans_of(self._pattern, page, "other", "long_numbers", begins=self._beginnings)

    def _beginnings(self, page: Page) -> Iterable[int] | None:
        """Up to six letters and a hyphen stand before the digits."""
        return before(self._long_run, *range(8))(page)
