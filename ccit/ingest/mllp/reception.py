"""Whether a frame holds a message that may be stored, and under which key.

Only what an answer rests on is looked at: MSH, and that there is one message. What else may be wrong with it is found
when it is read, and costs one dead letter; the sender has been told that it is safe, and it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ccit.errors import InputError
from ccit.ingest.hl7.documents import subject_of
from ccit.ingest.hl7.message import parse
from ccit.ingest.mllp.answers import Header, Outcome, header_in
from ccit.ingest.mllp.framing import Defect, Frame

_SECOND_MSH = re.compile(rb"[\r\n]MSH[^\w\s]")
_PATIENT = re.compile(rb"[\r\n](PID[^\w\s][^\r\n]*)")
_LINE_END = re.compile(rb"[\r\n]")
_LONGEST_ID = 199  # HL7 v2.7 and later; 20 before
_DEFECTS: dict[Defect, str] = {
    "too_long": "expected a shorter message; split it, or raise clinical.max_bytes",
    "no_beginning": "expected 0x0B before a message, found none",
    "no_end": "expected 0x1C 0x0D after the message, and none came in time",
}
_ANSWERS = ("ACK", "MCF")  # types of messages that are answers themselves


@dataclass(frozen=True, slots=True)
class Received:
    """A message, and what is to be done with it.

    Parameters
    ----------
    outcome : Outcome | None
        None: it is to be stored, and the answer waits for that. Else the answer is known already.
    said : str
        Why it is refused.
    silent : bool
        It is an answer itself, and is not answered.
    """

    value: bytes = field(repr=False)
    header: Header = field(default_factory=Header, repr=False)
    outcome: Outcome | None = None
    said: str = ""
    silent: bool = False


def received(frame: Frame) -> Received:
    r"""Look at a frame.

    >>> received(Frame(b"MSH|^~\\&|LAB|NORTH|||2026||ORU^R01|7|P|2.5\r")).outcome is None
    True
    >>> received(Frame(b"MSH|^~\\&|LAB|NORTH|||2026||ORU^R01||P|2.5\r")).said
    'MSH-10: expected a control id, found none'
    """
    try:
        header = header_in(frame.value)
    except InputError as error:
        said = _DEFECTS.get(frame.defect) or error.detail
        return Received(frame.value, Header(), "faulty" if frame.defect else "unsupported", said)
    if frame.defect:
        return Received(frame.value, header, "faulty", _DEFECTS[frame.defect])
    if header.code in _ANSWERS:
        return Received(frame.value, header, silent=True)
    if not header.version.startswith("2"):
        return Received(frame.value, header, "unsupported", "MSH-12: expected a version 2.x, found another")
    fault = _fault(frame.value, header)
    return Received(frame.value, header, "faulty" if fault else None, fault)


def _fault(value: bytes, header: Header) -> str:
    if not header.code:
        return "MSH-9: expected a message type, found none"
    if not header.control_id:
        return "MSH-10: expected a control id, found none"
    if len(header.control_id) > _LONGEST_ID:
        return f"MSH-10: expected at most {_LONGEST_ID} characters, found more"
    if _SECOND_MSH.search(value):
        return "expected one message in a frame, found a second MSH"
    return ""


def key_of(message: Received) -> bytes:
    r"""The key under which it is stored: its patient, so that what is said of one stays in order; else its control id.

    >>> key_of(received(Frame(b"MSH|^~\\&|LAB|NORTH|||2026||ORU^R01|7|P|2.5\rPID|1||12^^^H\r")))
    b'12|H'
    """
    own = "|".join((*message.header.sender, message.header.control_id)).encode("latin-1", "replace")
    patient = _PATIENT.search(message.value)
    if patient is None:
        return own
    try:
        subject = subject_of(parse(_LINE_END.split(message.value.lstrip(), 1)[0] + b"\r" + patient[1]))
    except InputError:
        return own
    return subject.encode() or own
