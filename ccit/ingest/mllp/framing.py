r"""MLLP frames: 0x0B, a message, 0x1C 0x0D. Bytes in pieces of any size give the same frames.

What real senders send is read: bytes between frames, a 0x0B sent twice, a vertical tab or a 0x1C inside a text, an end
without its 0x0D before the next frame. Bytes between frames that 0x1C 0x0D ends are a frame without a beginning. A
frame that begins (`0x0B MSH`) before the one before it ended takes its place: whoever sent them has given the first one
up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

BEGIN, END = b"\x0b", b"\x1c\r"
_AGAIN = BEGIN + b"MSH"
_MOST_AHEAD = len(_AGAIN)  # bytes at the end of a piece that may belong to a mark, or to the 0x1C before one
HEAD_BYTES = 1024
"""Of what is no frame, this much is kept: enough to find the control id to which the refusal belongs."""

Defect = Literal["", "too_long", "no_beginning", "no_end"]


@dataclass(frozen=True, slots=True)
class Frame:
    """What stood between the marks; with a defect, only the first `HEAD_BYTES` of it."""

    value: bytes = field(repr=False)
    defect: Defect = ""


class Framer:
    r"""Cuts a stream into frames, holding at most one of them.

    Parameters
    ----------
    max_bytes : int
        Longest message, at least `HEAD_BYTES`. Of a longer one the rest is passed over.

    Example
    -------
    >>> framer = Framer(2000)
    >>> [frame.value for piece in (b"noise\x0bMSH|", b"1\x1c", b"\r\x0bMSH|2\x1c\r") for frame in framer.feed(piece)]
    [b'MSH|1', b'MSH|2']
    """

    def __init__(self, max_bytes: int) -> None:
        self._most = max(max_bytes, HEAD_BYTES)
        self._state: Literal["outside", "inside", "passing"] = "outside"
        self._buffer = bytearray()
        self._looked_at = 0  # bytes at the buffer's front that begin no mark
        self._stray = bytearray()  # the head of what stands outside
        self.begun = 0  # frames so far, those among them that were begun anew

    @property
    def unfinished(self) -> bool:
        """Whether a frame has begun."""
        return self._state != "outside"

    @property
    def held_bytes(self) -> int:
        """Bytes in memory."""
        return len(self._buffer) + len(self._stray)

    def feed(self, piece: bytes) -> list[Frame]:
        """The frames that this piece ends."""
        self._buffer += piece
        found: list[Frame] = []
        steps = {"outside": self._outside, "inside": self._inside, "passing": self._passing}
        while steps[self._state](found):
            pass
        return found

    def give_up(self) -> Frame | None:
        """The frame that has begun and will not end; None where there is none, or it was too long and told already."""
        begun = self._state == "inside"
        given_up = Frame(bytes(self._buffer[:HEAD_BYTES]), "no_end")
        if self.unfinished:
            self._turn("outside", len(self._buffer))
        return given_up if begun else None

    def _outside(self, found: list[Frame]) -> bool:
        begin = self._buffer.find(BEGIN)
        end = self._buffer.find(END, 0, begin if begin >= 0 else len(self._buffer))
        if end >= 0:
            self._keep_stray(end)
            if self._stray:
                found.append(Frame(bytes(self._stray), "no_beginning"))
            self._turn("outside", end + len(END))
        elif begin >= 0:
            self._turn("inside", begin + len(BEGIN))
        else:
            known = len(self._buffer) - self._buffer.endswith(END[:1])
            self._keep_stray(known)
            del self._buffer[:known]
        return max(begin, end) >= 0

    def _inside(self, found: list[Frame]) -> bool:
        end, again = self._marks()
        if end < 0 and again < 0:
            self._looked_at = len(self._buffer)
            if self._looked_at - _MOST_AHEAD <= self._most:
                return False
            found.append(self._frame(self._looked_at - _MOST_AHEAD))
            self._turn("passing", self._looked_at - _MOST_AHEAD)
        elif again >= 0 and (end < 0 or again < end):
            ended = again > 0 and self._buffer[again - 1] == END[0]
            if ended or again > self._most:
                found.append(self._frame(again - ended))
            self._turn("inside", again + len(BEGIN))
        else:
            found.append(self._frame(end))
            self._turn("outside", end + len(END))
        return True

    def _passing(self, _: list[Frame]) -> bool:
        end, again = self._marks()
        if end < 0 and again < 0:
            del self._buffer[: max(len(self._buffer) - _MOST_AHEAD, 0)]
            return False
        if again >= 0 and (end < 0 or again < end):
            self._turn("inside", again + len(BEGIN))
        else:
            self._turn("outside", end + len(END))
        return True

    def _marks(self) -> tuple[int, int]:
        """Where a frame ends and where another begins; -1 for nowhere."""
        start = max(self._looked_at - _MOST_AHEAD, 0)
        return self._buffer.find(END, start), self._buffer.find(_AGAIN, start)

    def _frame(self, length: int) -> Frame:
        if length > self._most:
            return Frame(bytes(self._buffer[:HEAD_BYTES]), "too_long")
        return Frame(bytes(self._buffer[:length]))

    def _turn(self, state: Literal["outside", "inside", "passing"], done: int) -> None:
        del self._buffer[:done]
        self._stray.clear()
        self._state, self._looked_at = state, 0
        self.begun += state == "inside"

    def _keep_stray(self, count: int) -> None:
        """The first bytes outside that are not blank."""
        piece = self._buffer[:count] if self._stray else self._buffer[:count].lstrip()
        self._stray += piece[: HEAD_BYTES - len(self._stray)]
