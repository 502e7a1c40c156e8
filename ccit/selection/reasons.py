"""Why a Decision came out as it did: the admission's own reasons, and where those of the plug-ins are found.

A reason is an open string. Checks and policies declare theirs, each with a label and a meaning.
"""

from __future__ import annotations

from collections.abc import Mapping

from ccit.plugins import plugins
from ccit.ports.selection import Reasons

ADMISSION = "admission"
"""Who gives the reasons below: no check and no policy."""

ACCEPTED = "accepted"
EXACT_DUPLICATE = "exact_duplicate"
UNSCORED = "unscored"
"""Given by a check whose score is missing."""

OWN: Reasons = {
    ACCEPTED: ("Accepted", "new, sound and worth learning from"),
    EXACT_DUPLICATE: ("Exact duplicate", "word for word a record seen before"),
    UNSCORED: ("Could not be scored", "a score could not be computed, so it was not guessed"),
}


def all_reasons(*, origin: str | None = None) -> Mapping[str, tuple[str, str]]:
    """Every reason there can be -> its label and its meaning: first what is accepted or a copy, then the checks'
    from the cheapest to the dearest, the policies', and last what could not be scored.

    Parameters
    ----------
    origin : str | None
        Only plug-ins from there (`ccit`), as `ccit plugins` shows it; None for all.

    Example
    -------
    >>> list(all_reasons(origin="ccit"))[:4]
    ['accepted', 'exact_duplicate', 'language', 'too_short']
    """
    checks = sorted(plugins("check").values(), key=lambda found: (getattr(found.cls, "cost", 0.0), found.kind))
    declared = [
        getattr(found.cls, "reasons", {})
        for found in (*checks, *plugins("policy").values())
        if origin in (None, found.origin)
    ]
    reasons = {name: OWN[name] for name in (ACCEPTED, EXACT_DUPLICATE)}
    for own in declared:
        reasons |= {reason: words for reason, words in own.items() if reason not in reasons}
    return reasons | {UNSCORED: OWN[UNSCORED]}
