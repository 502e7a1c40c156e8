"""The second scan: nothing in what a model wrote may identify somebody.

The record went through de-identification, but a model writes what it likes: a name that it makes up may be somebody's,
and it may have learnt one. All recognisers look at the reply, and then the residual scan; what they find is not masked,
the reply is refused. Masks are no identifiers, and no more is a date that the record holds where dates are shifted:
there it is what de-identification wrote.
"""

from __future__ import annotations

from collections import Counter

from ccit.deidentify.deidentifier import Deidentifier
from ccit.generation.replies import Fault
from ccit.generation.source import SourceText
from ccit.ports.deidentify import Span


class IdentifierScan:
    """Looks for identifiers in what a model wrote.

    Parameters
    ----------
    shifted : bool
        Whether the record's dates are moved ones, and not masks.

    Example
    -------
    >>> from ccit.deidentify.safe_harbor import SafeHarbor
    >>> from ccit.testing import recognisers
    >>> scan = IdentifierScan(Deidentifier(recognisers(), SafeHarbor()))
    >>> scan.fault("Seen by Dr. Ann Roe.", SourceText("Seen by Dr. [NAME-1].", "en", "")).sentence
    'The answer has what may identify somebody: name (1).'
    """

    def __init__(self, deidentifier: Deidentifier, *, shifted: bool = False) -> None:
        self._deidentifier = deidentifier
        self._shifted = shifted

    def fault(self, text: str, source: SourceText) -> Fault | None:
        """What was found, by kind and number; None for nothing."""
        cleaned = self._deidentifier.clean(text)
        found = [span for span in cleaned.replaced if not self._is_of_the_record(span, text, source)]
        kinds = Counter(span.kind for span in found or cleaned.left)
        if not kinds:
            return None
        named = ", ".join(f"{kind} ({count})" for kind, count in sorted(kinds.items()))
        return Fault("identifying", f"The answer has what may identify somebody: {named}.")

    def _is_of_the_record(self, span: Span, text: str, source: SourceText) -> bool:
        return self._shifted and span.kind == "date" and text[span.start : span.end] in source.text
