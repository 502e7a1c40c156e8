"""Files of messages: one, many without an envelope, or batches (FHS, BHS, BTS, FTS), in bounded memory.

A message begins at a line that begins with `MSH` and a mark, and ends before the next one or before a line of the
envelope. How many messages the envelope promised is compared with how many there were.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ccit.ingest.strict import BYTE_ORDER_MARK

_LINE_END = re.compile(rb"[\r\n]+")
_BEGIN = re.compile(rb"(?:%b)?[\x0b\x1c \t]*(MSH|FHS|BHS|BTS|FTS)[^\w\s]" % BYTE_ORDER_MARK)


def messages_in(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    """The messages of a file, in order, without its envelope.

    Parameters
    ----------
    chunks : Iterable[bytes]
        The file in pieces of any size.
    max_bytes : int
        A message that grows beyond it is given up to there, so that its reader refuses it, and memory stays bounded.

    >>> list(messages_in([b"FHS|^~\\\\&\\rBHS|^~\\\\&\\rMSH|^~\\\\&|A\\rPID|1\\rBTS|1\\rFTS|1\\r"], 1000))
    [b'MSH|^~\\\\&|A\\rPID|1\\r']
    """
    parts: list[bytes] = []
    size = 0
    for line in _lines(chunks, max_bytes):
        begin = _BEGIN.match(line)
        if begin is not None:
            if parts:
                yield b"".join(parts)
            parts, size = ([line], len(line)) if begin[1] == b"MSH" else ([], 0)
        elif parts and size <= max_bytes:
            parts.append(line)
            size += len(line)
    if parts:
        yield b"".join(parts)


def _lines(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    """Lines with their ends, whichever they are; one that is longer than a message may be comes in pieces."""
    rest: list[bytes] = []
    length = 0
    for chunk in chunks:
        start = 0
        for found in _LINE_END.finditer(chunk):
            yield b"".join((*rest, chunk[start : found.end()]))
            rest, length, start = [], 0, found.end()
        if start < len(chunk):
            rest.append(chunk[start:])
            length += len(chunk) - start
        if length > max_bytes:
            yield b"".join(rest)
            rest, length = [], 0
    if rest:
        yield b"".join(rest)
