"""The proxy decides what is learned, and it is small: of a share of what it scores the deployed model is asked as well.

A sample is drawn by lot among all that the proxy has scored, whatever it said of them: among what was let in alone the
two would seem to agree less than they do (restriction of range: Thorndike 1949). The deployed model's IFD is added to
the decision as `ifd_deployed`, under the same version, template and window. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ccit.ports.selection import Scorer
from ccit.records import Concordance, Decision, Score
from ccit.scoring.concordance import DEPLOYED, PROXY, Concordances
from ccit.selection.admission import RELEASED
from ccit.selection.lots import lot


class ProxyAudit:
    """Draws samples, has the deployed model score them, and keeps what that tells of the proxy.

    Parameters
    ----------
    share : float
        Of the samples that the proxy scores, 0 to 1; a drawn one costs two passes of the deployed model.
    least : float
        Rank correlation below which the proxy is said to agree no longer.
    seed : int
        Of the lots: whoever decides a sample, and however often, it is drawn or not.
    deployed : Scorer | None
        Gives an `ifd` by the deployed model; it follows the same versions as the proxy. None asks nobody.

    Example
    -------
    >>> from ccit.records import Sample
    >>> from ccit.testing import FixedProxy
    >>> audit = ProxyAudit(1.0, 0.5, seed=0, deployed=FixedProxy(0.7))
    >>> sample = Sample("s", "r", "ward", "en", "Dose?", "5 mg.")
    >>> (decision,) = audit.asked([Decision(sample, True, "accepted", (Score("ifd", 0.8, "proxy"),))])
    >>> decision.value("ifd"), decision.value("ifd_deployed")
    (0.8, 0.7)
    """

    def __init__(
        self, share: float = 0.0, least: float = -1.0, *, seed: int = 0, deployed: Scorer | None = None
    ) -> None:
        self._share = share
        self._least = least
        self._seed = seed
        self._deployed = deployed
        self._gathered = Concordances()
        self._warned: set[int] = set()  # versions

    @property
    def found(self) -> tuple[Concordance, ...]:
        """What is known of the newest versions, by number."""
        return self._gathered.found

    def asked(self, decisions: Sequence[Decision]) -> list[Decision]:
        """The same decisions; those that were drawn have a further score."""
        answered = list(decisions)
        drawn = [n for n, decision in enumerate(decisions) if self._is_drawn(decision)]
        if self._deployed is not None and drawn:
            scored = self._deployed.score([decisions[n].sample for n in drawn])
            for n, scores in zip(drawn, scored, strict=True):
                answered[n] = replace(decisions[n], scores=(*decisions[n].scores, *_renamed(scores)))
        return answered

    def committed(self, decisions: Sequence[Decision]) -> list[Concordance]:
        """Take in decisions that are in the log; of the versions whose proxy has begun to disagree, each once.

        The interval is looked at again with each batch, so a proxy that agrees exactly as much as `least` is
        called out more often than an interval of 95 % lets one expect.
        """
        self._gathered.add(one for one in decisions if RELEASED not in one.annotations)  # counted when it was refused
        begun = [found for found in self.found if found.fails(self._least) and found.version not in self._warned]
        self._warned.update(found.version for found in begun)
        return begun

    def _is_drawn(self, decision: Decision) -> bool:
        by_lot = lot(self._seed, "proxy audit", decision.sample.sample_id) < self._share
        return by_lot and decision.value(PROXY) is not None


def _renamed(scores: Sequence[Score]) -> tuple[Score, ...]:
    return tuple(replace(score, metric=DEPLOYED) for score in scores if score.metric == PROXY)
