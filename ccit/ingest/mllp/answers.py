r"""What is answered to a message: original mode (AA, AE, AR) and enhanced mode (CA, CE, CR), HL7 v2 chapter 2.9.

| outcome | original | enhanced | the sender should |
|---|---|---|---|
| `stored` | AA | CA | forget the message: it is safe |
| `faulty` | AE | CE | mend the message: it will never be taken as it is |
| `unsupported` | AR | CR | send something else: no HL7 v2, or a version that is not 2.x |
| `unavailable` | AR | CE | send the same again later: it could not be stored |

Enhanced mode is where MSH-15 or MSH-16 holds something. MSH-15 says when an accept acknowledgement (C.) is wanted: AL
always, ER for errors, SU for successes, NE never. Where it says no and MSH-16 says yes, the application acknowledgement
(A.) goes back in its place. So a message is answered once or not at all: what becomes of it later is not told.

An answer holds what the standard wants of the message (MSH-3 to 6, 9.2, 10 to 12) and a sentence of ours, nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ccit.ingest.hl7.message import header_of
from ccit.ingest.mllp.framing import BEGIN, END

Outcome = Literal["stored", "faulty", "unsupported", "unavailable"]

_CODES: Mapping[Outcome, tuple[str, str]] = {
    "stored": ("AA", "CA"),
    "faulty": ("AE", "CE"),
    "unsupported": ("AR", "CR"),
    "unavailable": ("AR", "CE"),
}
_ERRORS: Mapping[Outcome, str] = {
    "faulty": "102^Data type error^HL70357",
    "unsupported": "200^Unsupported message type^HL70357",
    "unavailable": "207^Application internal error^HL70357",
}  # HL7 table 0357
_LONGEST = 200  # characters of a field that is sent back


@dataclass(frozen=True, slots=True)
class Header:
    """What of MSH an answer needs, as it came, without control characters; empty where it could not be read."""

    mark: str = "|"
    encoding: str = "^~\\&"
    sender: tuple[str, str] = field(default=("", ""), repr=False)
    receiver: tuple[str, str] = field(default=("", ""), repr=False)
    code: str = field(default="", repr=False)
    trigger: str = field(default="", repr=False)
    control_id: str = field(default="", repr=False)
    processing: str = field(default="P", repr=False)
    version: str = field(default="2.5", repr=False)
    accept: str = field(default="", repr=False)
    application: str = field(default="", repr=False)


def header_in(value: bytes) -> Header:
    """MSH of a message. Raises `InputError` where there is none, or its separators are none."""
    segment = header_of(value)
    one = [_plain(segment.raw(number)) for number in range(20)]
    return Header(
        mark=segment.separators.field,
        encoding=one[2],
        sender=(one[3], one[4]),
        receiver=(one[5], one[6]),
        code=_plain(segment.text(9, 1)).upper(),
        trigger=_plain(segment.text(9, 2)).upper(),
        control_id=one[10].strip(),
        processing=one[11] or "P",
        version=one[12] or "2.5",
        accept=one[15].strip().upper(),
        application=one[16].strip().upper(),
    )


def code_for(header: Header, outcome: Outcome) -> str:
    """The acknowledgement code; empty where the sender wants none.

    >>> code_for(Header(), "stored"), code_for(Header(accept="AL"), "stored"), code_for(Header(accept="NE"), "stored")
    ('AA', 'CA', '')
    """
    original, enhanced = _CODES[outcome]
    if not (header.accept or header.application):
        return original
    if _wanted(header.accept, outcome):
        return enhanced
    return original if _wanted(header.application, outcome) else ""


def answer(header: Header, outcome: Outcome, said: str, own_id: str, at: float) -> bytes:
    r"""The framed answer; empty where the sender wants none.

    Parameters
    ----------
    said : str
        A sentence that never quotes the message; for a refusal.
    own_id : str
        MSH-10 of the answer, at most 20 characters.
    at : float
        Seconds since 1970.

    >>> print(answer(Header(control_id="17"), "stored", "", "x1", 0.0)[1:-2].decode().replace("\r", "\n").strip())
    MSH|^~\&|||||19700101000000+0000||ACK|x1|P|2.5
    MSA|AA|17
    """
    code = code_for(header, outcome)
    if not code:
        return b""
    kind = "ACK" + (
        f"{header.encoding[0]}{header.trigger}" if len(header.trigger) == 3 and header.trigger.isalnum() else ""
    )
    when = time.strftime("%Y%m%d%H%M%S+0000", time.gmtime(at))
    told = _unseparated(said, header)
    lines = [
        [
            "MSH",
            header.encoding,
            *header.receiver,
            *header.sender,
            when,
            "",
            kind,
            own_id,
            header.processing,
            header.version,
        ],
        ["MSA", code, header.control_id, *([told] if told else [])],
    ]
    if outcome in _ERRORS:
        error = _ERRORS[outcome].replace("^", header.encoding[0])
        lines.append(["ERR", "", "", error, "E", "", "", "", told])
    text = "".join(header.mark.join(line) + "\r" for line in lines)
    return BEGIN + text.encode("latin-1", "replace") + END


def _wanted(condition: str, outcome: Outcome) -> bool:
    """What is no condition of the standard counts as AL: nobody should wait for an answer that never comes."""
    success = outcome == "stored"
    return {"": False, "NE": False, "ER": not success, "SU": success}.get(condition, True)


def _plain(raw: str) -> str:
    """Without what could end a segment or a frame."""
    return "".join(c for c in raw[:_LONGEST] if c >= " " and c != "\x7f")


def _unseparated(said: str, header: Header) -> str:
    return said.translate(dict.fromkeys(map(ord, header.mark + header.encoding), " "))
