"""An unbiased picture of what a policy sees, kept in what it accepts: a reference drawn by lot.

A policy that takes what scores high knows, after a restart, only what it took: the log of accepted samples holds no
refused ones. So a share of what passes the checks is always taken, by lot (`ccit/selection/lots.py`), whatever its
scores. Of the accepted samples these are a uniform sample of the stream, and anyone who reads the log knows which they
are.

Of each stratum and version the `size` values with the smallest lots are kept: a bottom-k sketch (Cohen and Kaplan 2007,
doi 10.1145/1281100.1281133), itself a uniform sample, the same in whatever order the values come. Scores of different
versions of a proxy do not compare, so each version has sketches of its own, and those of the newest few are kept.
"""

from __future__ import annotations

from bisect import insort
from typing import Annotated

from pydantic import Field

from ccit.selection.policies.stateful import Tally

_VERSIONS = 4  # as many as a scorer holds: under an older one nothing is compared until the next version

_Entry = tuple[float, float]  # its lot, its value


class Reference(Tally):
    """Values of the samples that were taken by lot, by version and stratum.

    Example
    -------
    >>> reference = Reference()
    >>> for number in range(5):
    ...     reference.add(0, "en", number / 5, float(number), size=3)
    >>> reference.values(0, "en", least=3)
    [0.0, 1.0, 2.0]
    >>> reference.values(0, "zh", least=3)
    [0.0, 1.0, 2.0]
    >>> reference.values(0, "en", least=9)
    []
    """

    sketches: dict[Annotated[int, Field(ge=0)], dict[str, list[_Entry]]] = Field(default_factory=dict)

    def add(self, version: int, stratum: str, drawn: float, value: float, size: int) -> None:
        """Count a value in; `drawn` is its sample's lot."""
        if len(self.sketches) >= _VERSIONS and version < min(self.sketches):
            return
        entries = self.sketches.setdefault(version, {}).setdefault(stratum, [])
        insort(entries, (drawn, value))
        del entries[size:]
        for oldest in sorted(self.sketches)[:-_VERSIONS]:
            del self.sketches[oldest]

    def values(self, version: int, stratum: str, least: int) -> list[float]:
        """Those of this stratum, in order; where it has fewer than `least`, those of all strata of the version; where
        these have fewer, none.
        """
        of_version = self.sketches.get(version, {})
        if len(own := of_version.get(stratum, [])) >= least:
            return sorted(value for _, value in own)
        joined = sorted(value for entries in of_version.values() for _, value in entries)
        return joined if len(joined) >= least else []
