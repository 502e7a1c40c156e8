from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from ccit.ports.selection import PolicyContext, Scored
from ccit.records import Score
from ccit.selection.policies.clusters import ClustersPolicy
from tests.nouns import sample
from tests.unit.selection.policies.test_compared import policy_of, taken


def of_clusters(count: int) -> list[Scored]:
    """Of ten samples, nine are of cluster 0 and one is of cluster 1."""
    return [Scored(sample(n), (Score("cluster", float(n % 10 == 9), "test"),)) for n in range(count)]


@pytest.mark.parametrize(("evenness", "share_of_the_rare"), [(0.0, 0.1), (0.5, 0.22), (1.0, 0.38)])
def test_a_rare_cluster_gives_more_than_its_share(evenness: float, share_of_the_rare: float) -> None:
    """With 0.05 of all by lot and 0.10 by cluster: (0.05 * 0.1 + 0.10 * what is even) / 0.15."""
    policy = policy_of("clusters", share=0.15, reference_share=0.05, evenness=evenness)
    taken(policy, of_clusters(2000))  # until the frequencies are known
    counts = Counter(one.value("cluster") for one in taken(policy, of_clusters(4000)))
    assert counts[1.0] / counts.total() == pytest.approx(share_of_the_rare, abs=0.08)


def test_topics_are_counted_apart_by_the_language_of_the_text() -> None:
    policy = ClustersPolicy(ClustersPolicy.Settings(), PolicyContext(seed=0))
    german = replace(sample(), response="Nehmen Sie zweimal am Tag eine Tablette mit Wasser.", instruction="Wie oft?")
    assert policy._stratum(Scored(german, ())) == "de"
