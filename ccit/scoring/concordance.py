"""Does the proxy still rank samples as the deployed model does? Measured on those that both have scored, per version.

    correlation   Spearman's, of the two IFDs, with an interval of 95 % by Fisher's z and the standard error
                  sqrt((1 + r^2 / 2) / (n - 3)) (Bonett and Wright 2000, doi 10.1007/BF02294183)
    overlap       share of the top third by the one that is in the top third by the other

Ranks are what a choice of the best follows. Whether a threshold of the proxy fits the deployed model is another
question, and no rank answers it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ccit.records import Concordance, Decision

PROXY, DEPLOYED = "ifd", "ifd_deployed"
_KEPT = 1024  # pairs of a version: an interval of about +-0.03 at a correlation of 0.8
_LEAST = 10  # pairs without which nothing is told
_Z = 1.96  # 95 %, two-sided
_CERTAIN = 1 - 1e-12  # a correlation of 1 has no z

Values = npt.NDArray[np.float64]


class Concordances:
    """Gathers pairs of scores from decisions; of each version the newest count.

    Parameters
    ----------
    versions : int
        The last so many that samples were scored by are kept.

    Example
    -------
    >>> from ccit.records import Sample, Score
    >>> gathered = Concordances()
    >>> for n in range(10):
    ...     scores = (Score("ifd", n / 10, "proxy"), Score("ifd_deployed", n / 5, "model"))
    ...     gathered.add([Decision(Sample(f"s{n}", "r", "ward", "en", "Dose?", "5 mg."), True, "accepted", scores)])
    >>> [(found.version, found.correlation, found.overlap) for found in gathered.found]
    [(0, 1.0, 1.0)]
    """

    def __init__(self, versions: int = 4) -> None:
        self._versions = versions
        self._pairs: dict[int, deque[tuple[float, float]]] = {}  # the version that scored last at the end
        self.found: tuple[Concordance, ...] = ()  # by version; replaced as a whole, so that any thread may read it

    def add(self, decisions: Iterable[Decision]) -> None:
        """Take in decisions; those without both scores say nothing."""
        news = [pair for pair in map(_pair_in, decisions) if pair is not None]
        for version, pair in news:
            kept = self._pairs.pop(version, None) or deque(maxlen=_KEPT)
            kept.append(pair)
            self._pairs[version] = kept
        while len(self._pairs) > self._versions:
            del self._pairs[next(iter(self._pairs))]
        if changed := {version for version, _ in news} & self._pairs.keys():
            found = {one.version: one for one in self.found if one.version in self._pairs}
            for version in changed:
                if len(self._pairs[version]) >= _LEAST:
                    found[version] = concordance(version, self._pairs[version])
            self.found = tuple(found[version] for version in sorted(found))


def _pair_in(decision: Decision) -> tuple[int, tuple[float, float]] | None:
    proxy, deployed = decision.value(PROXY), decision.value(DEPLOYED)
    return None if proxy is None or deployed is None else (decision.proxy_version, (proxy, deployed))


def concordance(version: int, pairs: Iterable[tuple[float, float]]) -> Concordance:
    """The concordance of pairs of scores, four of them at least.

    >>> print(concordance(2, [(n, -n) for n in range(9)]))
    version 2: rank correlation -1.00 [-1.00, -1.00], overlap of the top thirds 0%, 9 samples
    """
    proxy, deployed = np.asarray(list(pairs), dtype=np.float64).T
    count, correlation = len(proxy), spearman(proxy, deployed)
    z = math.atanh(max(-_CERTAIN, min(_CERTAIN, correlation)))
    spread = _Z * math.sqrt((1 + correlation**2 / 2) / (count - 3))
    top = round(count / 3)
    shared = set(_highest(proxy, top)) & set(_highest(deployed, top))
    return Concordance(version, count, correlation, math.tanh(z - spread), math.tanh(z + spread), len(shared) / top)


def spearman(first: Values, second: Values) -> float:
    """Correlation of the ranks of two sets of values (n,), ties sharing their mean rank; 0 where all of one are alike.

    >>> spearman(np.asarray([1.0, 2.0, 2.0, 9.0]), np.asarray([1.0, 3.0, 3.0, 4.0]))
    1.0
    """
    from scipy.stats import spearmanr  # most of a second to import: not for a scorer without an audit

    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return round(float(spearmanr(first, second).statistic), 12)  # 1, and not 1 - 2e-16, where all agree


def _highest(values: Values, count: int) -> Sequence[int]:
    """Their places; of equal ones those that came first."""
    return [int(place) for place in np.argsort(-values, kind="stable")[:count]]
