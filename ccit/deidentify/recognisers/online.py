"""Mail addresses, URLs, names of hosts, IP and MAC addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Literal

from ccit.deidentify.beginnings import Beginnings, at_runs, at_words, before
from ccit.deidentify.matching import spans_of
from ccit.plugins import PluginSettings, plugin
from ccit.ports.deidentify import Kind, Page, RecogniserContext, Span

_LABEL = r"[^\W_](?:[\w\-]{0,61}[^\W_])?"
_MAIL = re.compile(
    rf"(?<![\w.+\-])[\w.!#$%&'*+/=?^`{{|}}~\-]{{1,64}}\s?(?:@|\(at\)|\[at\]|＠)\s?(?:{_LABEL}\.){{1,6}}[^\W\d_]{{2,24}}\b"
)
_URL = re.compile(
    r"\b(?:https?|ftps?|sftp|wss?|file|ldap|mailto|tel):/{0,3}[^\s<>\"'\[\](),;]{3,2000}|\bwww\d?\.[^\s<>\"'\[\](),;]{3,2000}",
    re.I,
)
_DOMAINS = (
    r"(?:com|org|net|edu|gov|mil|info|biz|health|hospital|clinic|doctor|care|io|nhs\.uk|co\.uk|org\.uk|ac\.uk|uk|de|fr|cn"
    r"|com\.cn|eu|ch|at|us|ca)"
)
_HOST = re.compile(
    rf"(?<![\w@.\-])(?:[a-z0-9](?:[a-z0-9\-]{{0,61}}[a-z0-9])?\.){{1,5}}{_DOMAINS}"
    r"(?![\w.\-]*\w)(?:/[^\s<>\"'\[\](),;]{0,2000})?",
    re.I,
)
_IP4 = re.compile(
    r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:/\d{1,2})?(?![\w]|\.\d)"
)
_IP6 = re.compile(r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?:%\w{1,16})?(?![\w:])", re.I)
_MAC = re.compile(r"(?<![\w:\-])[0-9a-f]{2}(?:[:\-][0-9a-f]{2}){5}(?![\w:\-])", re.I)


@plugin("recogniser")
class Online:
    """Finds mail addresses, URLs and host names, IP addresses (4 and 6) and MAC addresses.

    Mail as in RFC 5322 without quoted local parts, with `(at)` too; host names without a scheme under domains that a
    hospital's text may hold.

    Example
    -------
    >>> page = Page("mail j.doe@mail.example.org or see www.example.org/p/7, host 10.0.0.7, take b.i.d.")
    >>> found = Online(Online.Settings(), RecogniserContext()).find(page)
    >>> list(dict.fromkeys(page.text[s.start : s.end] for s in found))
    ['j.doe@mail.example.org', 'www.example.org/p/7', '10.0.0.7']
    """

    class Settings(PluginSettings):
        """Nothing to set."""

        kind: Literal["online"] = "online"

    def __init__(self, settings: Settings, context: RecogniserContext) -> None:
        pass

    def find(self, page: Page) -> Iterable[Span]:
        """All of them; a pattern is only tried where the text has its sign."""
        text = page.text
        if "@" in text or "(at)" in text or "[at]" in text or "＠" in text:
            yield from spans_of(_MAIL, page, "mail", "online")
        for pattern, kind, begins in _FORMS:
            yield from spans_of(pattern, page, kind, "online", begins=begins)
        yield from spans_of(_IP6, page, "ip", "online", _is_address, _AT_IP6)


def _is_address(text: str) -> bool:
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return len(text) > 3


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_HEX = "0123456789abcdefABCDEF"
_LONGEST_HOST = 5 * 64  # labels with their dots
_AT_IP6 = at_runs(":[0-9a-f]{0,4}:", f"{_HEX}:", 8)
_FORMS: tuple[tuple[re.Pattern[str], Kind, Beginnings], ...] = (
    (_URL, "url", at_words("http https ftp ftps sftp ws wss file ldap mailto tel www")),
    (_HOST, "url", at_runs(rf"\.{_DOMAINS}", f"{_LETTERS}0123456789-.", _LONGEST_HOST)),
    (_IP4, "ip", at_runs(r"\.\d{1,3}\.\d{1,3}\.\d", "0123456789", 3)),
    (_MAC, "device", before("[:-][0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2}[:-]", 2)),
)
