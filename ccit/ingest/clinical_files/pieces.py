"""One message of a file: what goes to the topic `clinical`."""

from __future__ import annotations

from dataclasses import dataclass, field

from ccit.errors import InputError


@dataclass(frozen=True, slots=True)
class Piece:
    """A message of a file, ready to be read or to be published.

    Parameters
    ----------
    place : str
        Where in its file: `line 7`, `entry 3`, `message 12`.
    kind : str
        The message's type (`ORU^R01`) or the resource's, of a closed list; empty where it cannot be told.
    value : bytes
        The message; empty where nothing is to be sent.
    content_type : str
        Of the message.
    subject : str
        The patient, as `ClinicalDocument.subject` names him; messages about one patient stay in order.
    fault : InputError | None
        Why the file gave no message here; its sentence quotes nothing.
    at : int
        Bytes of the file (as it lies on disk) that were read so far.
    """

    place: str
    kind: str = ""
    value: bytes = field(default=b"", repr=False)
    content_type: str = ""
    subject: str = field(default="", repr=False)
    fault: InputError | None = None
    at: int = 0
