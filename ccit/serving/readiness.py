"""Whether this server may get traffic: not before the version topic has been read to its end."""

from __future__ import annotations


class Readiness:
    """Set by whoever follows the version topic; read by `/ready`.

    >>> readiness = Readiness()
    >>> readiness.ready, readiness.detail
    (False, 'reading the version topic')
    >>> readiness.set_ready()
    >>> readiness.ready
    True
    """

    def __init__(self) -> None:
        self.ready = False
        self.detail = "reading the version topic"

    def set_ready(self) -> None:
        """The topic has been read to its end and the incumbent is active."""
        self.ready, self.detail = True, "serving"

    def set_unready(self, detail: str) -> None:
        """No traffic, please; `detail` says why."""
        self.ready, self.detail = False, detail
