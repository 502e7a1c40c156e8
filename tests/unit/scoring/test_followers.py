from __future__ import annotations

import pytest

from ccit.errors import ArtifactDamaged
from ccit.records import Spend, Version
from ccit.scoring.followers import Followers
from ccit.testing import FixedProxy
from tests.nouns import sample, version


class Refusing(FixedProxy):
    """Takes no version but the base."""

    def activate(self, version: Version) -> None:
        if version.number:
            raise ArtifactDamaged("not for me")
        super().activate(version)


def test_all_move_together() -> None:
    scorers = [FixedProxy(0.5), FixedProxy(0.9)]
    together = Followers(scorers, version())
    together.activate(version(3))
    assert (together.version, [scorer.version for scorer in scorers]) == (3, [3, 3])
    assert [[score.value for score in scores] for scores in together.score([sample()])] == [[0.5, 0.9]]
    assert together.spent == Spend()


def test_where_one_refuses_none_moves() -> None:
    first = FixedProxy()
    together = Followers([first, Refusing()], version())
    with pytest.raises(ArtifactDamaged):
        together.activate(version(2))
    assert (together.version, first.version) == (0, 0)


def test_with_none_the_number_moves() -> None:
    together = Followers([], version())
    together.activate(version(2))
    assert together.version == 2
    assert together.score([sample()]) == [()]
