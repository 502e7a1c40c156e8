from __future__ import annotations

from collections.abc import Sequence

import pytest

from ccit.records import Decision, Sample, Score
from ccit.selection.proxy_audit import ProxyAudit
from ccit.testing import FixedProxy
from tests.nouns import sample


class Opposite:
    """Ranks the other way round than the proxy, which goes by the number in the id."""

    metric = "ifd"

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        return [(Score("ifd", -float(one.sample_id[1:]), "model"),) for one in samples]


def decided(number: int, accepted: bool = True) -> Decision:
    return Decision(sample(number), accepted, "accepted" if accepted else "ifd_too_high", (Score("ifd", number, "p"),))


def audit(share: float, least: float = 0.5) -> ProxyAudit:
    return ProxyAudit(share, least, seed=0, deployed=Opposite())


def test_a_share_is_drawn_of_what_the_proxy_has_scored_refused_or_not() -> None:
    decisions = [decided(n, accepted=n % 2 == 0) for n in range(2000)]
    drawn = [one.value("ifd_deployed") is not None for one in audit(0.1).asked(decisions)]
    assert sum(drawn) / 2000 == pytest.approx(0.1, abs=0.02)
    assert sum(drawn[1::2]) / 1000 == pytest.approx(0.1, abs=0.03)
    assert [one.value("ifd_deployed") is not None for one in audit(0.1).asked(decisions[::-1])] == drawn[::-1]


def test_what_the_proxy_has_not_scored_is_not_asked_about_and_nothing_else_changes() -> None:
    refused = Decision(sample(1), False, "too_short", (Score("length", 1.0, "t"),))
    lost = Decision(sample(2), False, "unscored", (Score("ifd", None, "p", "not finite"),))
    before = [refused, lost, decided(3)]
    *same, asked = audit(1.0).asked(before)
    assert same == before[:2]
    assert asked.scores == (*before[2].scores, Score("ifd_deployed", -3.0, "model"))
    assert (asked.accepted, asked.reason) == (True, "accepted")


def test_without_a_model_or_a_share_nobody_is_asked() -> None:
    decisions = [decided(n) for n in range(9)]
    assert ProxyAudit().asked(decisions) == ProxyAudit(1.0).asked(decisions) == decisions
    assert ProxyAudit(0.0, deployed=FixedProxy(0.5)).asked(decisions) == decisions


def test_a_proxy_that_disagrees_is_called_out_once() -> None:
    one = audit(1.0)
    assert one.committed(one.asked([decided(n) for n in range(9)])) == [], "too few to tell"
    (begun,) = one.committed(one.asked([decided(n) for n in range(9, 30)]))
    assert (begun.version, begun.pairs, begun.correlation) == (0, 30, -1.0)
    assert one.committed(one.asked([decided(n) for n in range(30, 60)])) == []
    assert [(found.version, found.pairs) for found in one.found] == [(0, 60)]


def test_a_proxy_that_may_still_agree_is_not_called_out() -> None:
    one = audit(1.0, least=-1.0)
    assert one.committed(one.asked([decided(n) for n in range(30)])) == []
