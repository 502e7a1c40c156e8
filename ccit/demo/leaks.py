"""The look for what must not be there: names and numbers of the simulated people in everything that a run has written.

A canary is found in any case, and inside base64, in which attachments travel; one of digits only where it stands by
itself, for digests, measurements and times hold every row of digits sooner or later. That the look finds what is there
is shown on the topic `clinical`, which holds names.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from consumers.kafka.messages import KafkaMessage

_BASE64 = re.compile(rb"[A-Za-z0-9+/]{32,}={0,2}")
_BETWEEN = b"\n"
_NUMBER = re.compile(rb"[0-9-]+")


@dataclass(slots=True)
class LeakSearch:
    """Counts, place by place.

    Parameters
    ----------
    canaries : Sequence[str]
        What is looked for.
    searched : dict[str, int]
        Place -> bytes that were looked through.
    found : dict[str, int]
        Place -> different canaries in it; places without any are not there.

    Example
    -------
    >>> search = LeakSearch(["Quenzabor"])
    >>> search.look("a log", [b"seen by QUENZABOR"])
    1
    >>> search.look("a topic", [base64.b64encode(b"the letter of Mrs. Quenzabor")])
    1
    >>> search.look("another", [b"seen by [NAME-1]"])
    0
    >>> search.found
    {'a log': 1, 'a topic': 1}
    """

    canaries: Sequence[str]
    searched: dict[str, int] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)

    def look(self, place: str, pieces: Iterable[bytes]) -> int:
        """Look through all of it; how many different canaries are there."""
        plain = _BETWEEN.join(pieces)
        text = _BETWEEN.join((plain, *_decoded(plain))).lower()
        count = sum(_holds(text, canary.lower().encode()) for canary in self.canaries)
        self.searched[place] = self.searched.get(place, 0) + len(plain)
        if count:
            self.found[place] = self.found.get(place, 0) + count
        return count

    def look_into(self, folder: Path, beside: Sequence[str]) -> None:
        """Each file below a folder, its name too, but for those below the folders `beside`."""
        for path in sorted(folder.rglob("*")):
            place = path.relative_to(folder)
            if path.is_file() and place.parts[0] not in beside:
                self.look(place.as_posix(), (place.as_posix().encode(), path.read_bytes()))


def bytes_of(messages: Iterable[KafkaMessage]) -> Iterator[bytes]:
    """All that messages hold: keys, names and values of headers, values."""
    for message in messages:
        yield message.key or b""
        yield from (part for name, value in message.headers for part in (name.encode("utf-8", "replace"), value or b""))
        yield message.value or b""


def _holds(text: bytes, canary: bytes) -> bool:
    """Whether it is in the text; a number not as part of a longer one, nor of a digest."""
    if canary not in text or not _NUMBER.fullmatch(canary):
        return canary in text
    return re.search(rb"(?<![0-9a-f])" + re.escape(canary) + rb"(?![0-9a-f])", text) is not None


def _decoded(text: bytes) -> Iterator[bytes]:
    """What stands in base64 in it; whatever else looks like that decodes to noise."""
    for run in _BASE64.findall(text):
        letters = run.rstrip(b"=")
        whole = letters[: len(letters) - (len(letters) % 4 == 1)]
        yield base64.b64decode(whole + b"=" * (-len(whole) % 4))
