"""Numbers of credit cards and bank accounts, told by their check digits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from stdnum import iban, luhn

from ccit.deidentify.beginnings import at_digits, at_mixed
from ccit.deidentify.matching import digits_of, spans_of
from ccit.plugins import PluginSettings, plugin
from ccit.ports.deidentify import Page, RecogniserContext, Span

_CARD = re.compile(r"(?<![\d.\-])\d(?:[\s\-]?\d){11,18}(?![\d\-]|\.\d)")
_IBAN = re.compile(r"(?<!\w)[A-Za-z]{2}\d{2}(?:\s?[A-Za-z0-9]{4}){2,7}(?:\s?[A-Za-z0-9]{1,3})?(?!\w)")


def _is_card(text: str) -> bool:
    return bool(luhn.is_valid(digits_of(text)))


@plugin("recogniser")
class Payment:
    """Finds card numbers of 12 to 19 digits (Luhn, ISO/IEC 7812-1) and IBANs (ISO 13616, modulus 97).

    Example
    -------
    >>> page = Page("card 4111 1111 1111 1111, account GB82 WEST 1234 5698 7654 32, order 4111 1111 1111 1112")
    >>> [page.text[s.start : s.end] for s in Payment(Payment.Settings(), RecogniserContext()).find(page)]
    ['4111 1111 1111 1111', 'GB82 WEST 1234 5698 7654 32']
    """

    class Settings(PluginSettings):
        """Nothing to set."""

        kind: Literal["payment"] = "payment"

    def __init__(self, settings: Settings, context: RecogniserContext) -> None:
        pass

    def find(self, page: Page) -> Iterable[Span]:
        """Cards and accounts."""
        yield from spans_of(_CARD, page, "account", "payment", _is_card, at_digits)
        yield from spans_of(_IBAN, page, "account", "payment", iban.is_valid, at_mixed)
